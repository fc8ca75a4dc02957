import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { bloomBits, inBloom } from './bloom.ts'
import { decodeLog, followedTopics, type RawLog } from './decodeLog.ts'
import { RpcInconsistent, RpcRefused } from './errors.ts'
import { type ChainEvent, type Noun, nouns } from './events.ts'
import type { Rpc } from './rpc.ts'
import type { BlockMark } from './store.ts'

/** The contracts the index follows. */
export type Contracts = { readonly [N in Noun]: Address }

/** A block's header, as far as the index looks. */
export interface Header extends BlockMark {
  readonly parent: string
  readonly bloom: string
}

/** What the chain says, checked for consistency. Every call may throw the errors of `Rpc` and RpcInconsistent. */
export interface Source {
  chainId(): Promise<number>
  latest(): Promise<Header>
  /** The block of that number, or undefined where the chain is shorter. */
  header(number: number): Promise<Header | undefined>
  /** Headers of `from` to `to`, each the parent of the next. */
  headers(from: number, to: number): Promise<Header[]>
  /** Events of final blocks from `from` on, to `to` or to where the server's patience ends. */
  finalEvents(from: number, to: number): Promise<{ readonly to: number; readonly events: ChainEvent[] }>
  /** Events of exactly these consecutive blocks: a log of any other version of them is an error. */
  eventsOf(headers: readonly Header[]): Promise<ChainEvent[]>
}

const quantity = z.string().regex(/^0x[0-9a-f]+$/i)
const hash = z.string().regex(/^0x[0-9a-f]{64}$/i)
const headerSchema = z.object({
  number: quantity,
  hash,
  parentHash: hash,
  timestamp: quantity,
  logsBloom: z.string().default('0x'),
})

const HEADERS_PER_REQUEST = 100

/** Servers that cut an answer short do so at a round number. */
const ROUND_COUNT = 500

/** Reads blocks and events of the contracts through an RPC. `onRefused` hears of ranges that were too wide. */
export function createSource(rpc: Rpc, contracts: Contracts, onRefused: () => void = () => {}): Source {
  const nounAt = new Map(nouns.map((noun): [string, Noun] => [contracts[noun].toLowerCase(), noun]))
  const addressBits = [...nounAt.keys()].map((address) => bloomBits(address as Hex))
  const topicBits = followedTopics.map(bloomBits)

  async function headersAt(numbers: readonly number[]): Promise<Header[]> {
    const headers: Header[] = []
    for (let start = 0; start < numbers.length; start += HEADERS_PER_REQUEST) {
      const part = numbers.slice(start, start + HEADERS_PER_REQUEST)
      const answers = await rpc.batch(
        part.map((number) => ({ method: 'eth_getBlockByNumber', params: [toHex(number), false] })),
      )
      part.forEach((number, index) => {
        const header = answers[index] === null ? undefined : toHeader(answers[index])
        if (header?.number !== number) throw new RpcInconsistent(`block ${number} is missing`, { number })
        headers.push(header)
      })
    }
    return headers
  }

  const addresses = [...nounAt.keys()]

  async function logs(filter: Readonly<Record<string, unknown>>, address = addresses): Promise<RawLog[]> {
    const answer = await rpc.call('eth_getLogs', [{ ...filter, address, topics: [followedTopics] }])
    if (!Array.isArray(answer)) throw new RpcInconsistent('logs are not a list', {})
    return answer.map(toLog)
  }

  /** Logs of `from` to `to`; undefined when the server refuses so wide a range. */
  async function tryRange(from: number, to: number): Promise<RawLog[] | undefined> {
    const filter = { fromBlock: toHex(from), toBlock: toHex(to) }
    let found: RawLog[]
    try {
      found = await logs(filter)
    } catch (error) {
      if (!(error instanceof RpcRefused)) throw error
      onRefused()
      if (from < to) return undefined
      // One block is too much: then each contract alone.
      found = []
      for (const address of addresses) found.push(...(await logs(filter, [address])))
    }
    for (const log of found) {
      const block = Number(log.blockNumber)
      if (block < from || block > to) {
        throw new RpcInconsistent(`a log of block ${block} came for ${from} to ${to}`, { block, from, to })
      }
    }
    const round = found.length > 0 && found.length % ROUND_COUNT === 0
    // Likely cut short without a word: the halves tell.
    return round && from < to ? logsOfHalves(from, to) : inOrder(found)
  }

  async function logsOfRange(from: number, to: number): Promise<RawLog[]> {
    return (await tryRange(from, to)) ?? logsOfHalves(from, to)
  }

  async function logsOfHalves(from: number, to: number): Promise<RawLog[]> {
    const middle = Math.floor((from + to) / 2)
    return [...(await logsOfRange(from, middle)), ...(await logsOfRange(middle + 1, to))]
  }

  function decode(log: RawLog, time: number): ChainEvent[] {
    const noun = nounAt.get(log.address.toLowerCase())
    if (noun === undefined) {
      throw new RpcInconsistent(`a log of "${log.address}" came unasked`, { address: log.address })
    }
    const body = decodeLog(noun, log)
    if (body === undefined) return []
    const place = {
      block: Number(log.blockNumber),
      position: Number(log.logIndex),
      time,
      transaction: log.transactionHash,
    }
    return [{ ...body, ...place }]
  }

  async function header(number: number): Promise<Header | undefined> {
    const answer = await rpc.call('eth_getBlockByNumber', [toHex(number), false])
    if (answer === null) return undefined
    const found = toHeader(answer)
    if (found.number !== number) {
      throw new RpcInconsistent(`block ${found.number} came for ${number}`, { number })
    }
    return found
  }

  return {
    chainId: async () => Number(await rpc.call('eth_chainId', [])),
    latest: async () => toHeader(await rpc.call('eth_getBlockByNumber', ['latest', false])),
    header,

    async headers(from, to) {
      const headers = await headersAt(Array.from({ length: to - from + 1 }, (_, index) => from + index))
      headers.forEach((child, index) => {
        const parent = headers[index - 1]
        if (parent !== undefined && child.parent !== parent.hash) {
          throw new RpcInconsistent(`block ${child.number} is not the child of block ${parent.number}`, {
            number: child.number,
          })
        }
      })
      return headers
    },

    async finalEvents(from, to) {
      let last = to
      let found = await tryRange(from, last)
      while (found === undefined) {
        last = Math.floor((from + last) / 2)
        found = await tryRange(from, last)
      }
      const untimed = [
        ...new Set(
          found.filter((log) => log.blockTimestamp === undefined).map((log) => Number(log.blockNumber)),
        ),
      ]
      const times = new Map((await headersAt(untimed)).map(({ number, time }) => [number, time]))
      const events = found.flatMap((log) =>
        decode(log, Number(log.blockTimestamp ?? times.get(Number(log.blockNumber)))),
      )
      return { to: last, events }
    },

    async eventsOf(headers) {
      const first = headers[0]
      const last = headers.at(-1)
      if (first === undefined || last === undefined) return []
      const byNumber = new Map(headers.map((one) => [one.number, one]))
      const found = await logsOfRange(first.number, last.number)
      const full = new Set<number>()
      for (const log of found) {
        const number = Number(log.blockNumber)
        if (byNumber.get(number)?.hash !== log.blockHash) {
          throw new RpcInconsistent(`a log is of another block ${number}`, { number })
        }
        full.add(number)
      }
      // A server may know a block before it knows its logs. The header tells that there should be some.
      const suspects = headers.filter(
        ({ number, bloom }) =>
          !full.has(number) &&
          addressBits.some((bits) => inBloom(bloom, bits)) &&
          topicBits.some((bits) => inBloom(bloom, bits)),
      )
      for (const { hash: blockHash } of suspects) found.push(...(await logs({ blockHash })))
      return inOrder(found).flatMap((log) => decode(log, byNumber.get(Number(log.blockNumber))?.time ?? 0))
    },
  }
}

function toHex(number: number): string {
  return `0x${number.toString(16)}`
}

function toHeader(answer: unknown): Header {
  const { success, data } = headerSchema.safeParse(answer)
  if (!success) throw new RpcInconsistent('a block has no valid header', {})
  return {
    number: Number(data.number),
    hash: data.hash,
    parent: data.parentHash,
    time: Number(data.timestamp),
    bloom: data.logsBloom,
  }
}

/** By hand, since ten thousand a second come by. */
function toLog(answer: unknown): RawLog {
  const log = answer as Partial<Record<keyof RawLog | 'removed', unknown>> | null
  const valid =
    typeof log === 'object' &&
    log !== null &&
    log.removed !== true &&
    typeof log.address === 'string' &&
    typeof log.data === 'string' &&
    typeof log.blockHash === 'string' &&
    typeof log.transactionHash === 'string' &&
    isQuantity(log.blockNumber) &&
    isQuantity(log.logIndex) &&
    Array.isArray(log.topics) &&
    log.topics.every((topic) => typeof topic === 'string')
  if (!valid) throw new RpcInconsistent('a log has no valid shape', {})
  return log as RawLog
}

function isQuantity(value: unknown): boolean {
  return typeof value === 'string' && /^0x[0-9a-f]{1,12}$/i.test(value)
}

/** Sorts by place; the same place twice is an error. */
function inOrder(logs: RawLog[]): RawLog[] {
  const placed = logs.map((log) => ({ log, block: Number(log.blockNumber), position: Number(log.logIndex) }))
  placed.sort((a, b) => a.block - b.block || a.position - b.position)
  placed.forEach(({ block, position }, index) => {
    const previous = placed[index - 1]
    if (previous?.block === block && previous.position === position) {
      throw new RpcInconsistent(`log ${position} of block ${block} came twice`, { block, position })
    }
  })
  return placed.map(({ log }) => log)
}
