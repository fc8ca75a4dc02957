import { assetsAbi, channelsAbi, marketAbi, tillAbi } from '@millrace/sdk'
import { type AbiEvent, encodeAbiParameters, encodeEventTopics, toEventSelector, zeroAddress } from 'viem'
import { expect, test } from 'vitest'
import { createRandom } from '../../test/chain/random.ts'
import { emptyWorld, playBlock, worldContracts } from '../../test/chain/World.ts'
import { decodeLog, followedTopics, type RawLog } from './decodeLog.ts'
import { eventAbis, type Noun, nouns } from './events.ts'

const place = {
  blockNumber: '0x1',
  blockHash: `0x${'1'.repeat(64)}`,
  transactionHash: `0x${'2'.repeat(64)}`,
  logIndex: '0x0',
}
const generated = { assets: assetsAbi, till: tillAbi, market: marketAbi, channels: channelsAbi } as const

function eventsOf(abi: readonly { readonly type: string }[]): AbiEvent[] {
  return abi.filter((item): item is AbiEvent => item.type === 'event')
}

/** A lawful value of a type, by the generator. */
function anyOf(type: string, random: ReturnType<typeof createRandom>): unknown {
  const word = () => BigInt(random.below(2 ** 31)) << BigInt(random.below(80))
  if (type === 'address') return `0x${word().toString(16).padStart(40, '0')}`
  if (type === 'bytes32') return `0x${word().toString(16).padStart(64, '0')}`
  if (type === 'string') return `ipfs://${random.below(1_000_000)} é "\\`
  if (type === 'tuple[]') {
    return Array.from({ length: random.below(5) }, () => ({ asset: word(), bps: random.below(10_000) }))
  }
  const bits = Number(type.slice(4))
  if (bits <= 48) return random.below(2 ** Math.min(bits, 31))
  return BigInt.asUintN(bits, word())
}

test('default', () => {
  const [log] = playBlock(emptyWorld(), { seed: 3, time: 1_790_000_000, actions: 1, people: 3, assets: 1 })
  expect(log && decodeLog('assets', { ...place, ...log })).toMatchObject({
    type: 'assets.AssetRegistered',
    args: { asset: 1n, currency: `0x${'c0'.repeat(20)}` },
  })
})

test('behavior: every event decodes to what was encoded, whatever the values', () => {
  const random = createRandom(20_261_121)
  for (const noun of nouns) {
    for (const event of eventsOf(eventAbis[noun])) {
      for (let run = 0; run < 40; run++) {
        const args = Object.fromEntries(
          event.inputs.map((input) => [input.name ?? '', anyOf(input.type, random)]),
        )
        const topics = encodeEventTopics({ abi: [event], args } as never)
        const body = event.inputs.filter(({ indexed }) => !indexed)
        const data = encodeAbiParameters(
          body,
          body.map((input) => args[input.name ?? '']),
        )
        const log = { ...place, address: worldContracts[noun], topics: topics as readonly string[], data }
        expect(decodeLog(noun, log)).toEqual({ type: `${noun}.${event.name}`, args })
      }
    }
  }
})

test('behavior: the events are those of the contracts', () => {
  for (const noun of nouns) {
    const theirs = new Map(eventsOf(generated[noun]).map((event) => [event.name, event]))
    for (const event of eventsOf(eventAbis[noun])) {
      const original = theirs.get(event.name)
      expect(original, `${noun}.${event.name}`).toBeDefined()
      if (original === undefined) continue
      expect(toEventSelector(event), `${noun}.${event.name}`).toBe(toEventSelector(original))
      const shape = (one: AbiEvent) => one.inputs.map(({ indexed, type }) => [indexed ?? false, type])
      expect(shape(event)).toEqual(shape(original))
    }
  }
})

test('behavior: a text that Postgres would refuse is made harmless', () => {
  const [event] = eventsOf(eventAbis.assets).filter(({ name }) => name === 'SpecChanged')
  if (event === undefined) throw new RangeError('SpecChanged')
  const uri = `a\u0000b${'😀'.repeat(5000)}`
  const data = encodeAbiParameters([{ type: 'bytes32' }, { type: 'string' }], [`0x${'3'.repeat(64)}`, uri])
  const topics = [toEventSelector(event), `0x${'4'.repeat(64)}`]
  const body = decodeLog('assets', { ...place, address: zeroAddress, topics, data })
  if (body?.type !== 'assets.SpecChanged') throw new RangeError('not decoded')
  expect(body.args.uri.startsWith('a\ufffdb😀')).toBe(true)
  expect(body.args.uri.length).toBeLessThanOrEqual(8192)
  expect(Buffer.from(body.args.uri, 'utf8').toString('utf8')).toBe(body.args.uri)
})

test('behavior: an event that is not followed is passed over', () => {
  const topics = [`0x${'9'.repeat(64)}`]
  expect(decodeLog('till', { ...place, address: worldContracts.till, topics, data: '0x' })).toBeUndefined()
})

test('error: LogMalformed', () => {
  const log: RawLog = {
    ...place,
    address: worldContracts.till,
    topics: [...followedTopics.slice(0, 1)],
    data: '0x',
  }
  const noun = nouns.find((one: Noun) =>
    eventsOf(eventAbis[one]).some((event) => toEventSelector(event) === log.topics[0]),
  )
  expect(() => decodeLog(noun ?? 'till', log)).toThrow(
    expect.objectContaining({ code: 'LOG_MALFORMED', retryable: true }),
  )
})
