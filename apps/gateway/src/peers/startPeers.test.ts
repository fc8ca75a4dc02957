import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signWithdraw } from '@millrace/sdk'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { eventually } from '../../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../../test/localChain.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import { type Gateway, startGateway } from '../startGateway.ts'

let chain: LocalChain
let postgres: TestPostgres
const running: Gateway[] = []
const servers: Server[] = []

beforeAll(async () => {
  const started = await Promise.all([startLocalChain(), startPostgres()])
  chain = started[0]
  postgres = started[1]
})
afterAll(async () => {
  await Promise.all(running.map((gateway) => gateway.close()))
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await Promise.all([chain?.stop(), postgres?.stop()])
})

async function start(
  options: {
    url?: string
    peers?: string[]
    peerPollMs?: number
    rpcUrl?: string
    rpcTimeoutMs?: number
  } = {},
): Promise<Gateway> {
  const gateway = await startGateway({
    deployment: chain.deployment,
    rpcUrl: options.rpcUrl ?? chain.url,
    ...(options.rpcTimeoutMs === undefined ? {} : { rpcTimeoutMs: options.rpcTimeoutMs }),
    database: { url: options.url ?? (await postgres.createDatabase()) },
    peers: options.peers ?? [],
    peerPollMs: options.peerPollMs ?? 50,
    chainPollMs: 50,
    rate: { perSecond: 10_000, burst: 10_000 },
  })
  running.push(gateway)
  return gateway
}

/** A peer that answers what it likes. */
async function pretend(
  answer: (path: string) => { status?: number; body: string } | undefined,
): Promise<string> {
  const server = createServer((request, response) => {
    const said = answer(request.url ?? '')
    // No answer at all: the connection stays open.
    if (said === undefined) return
    response.writeHead(said.status ?? 200, { 'content-type': 'application/json' }).end(said.body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface RpcCall {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** An endpoint of the chain that answers some calls with an error, or never (`null`). */
async function rpcThat(
  says: (call: RpcCall) => { error: { code: number; message: string } } | null | undefined,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = JSON.parse(Buffer.concat(parts).toString()) as RpcCall | RpcCall[]
    const calls = Array.isArray(body) ? body : [body]
    const answers = await Promise.all(
      calls.map(async (call) => {
        const said = says(call)
        if (said === null) return null
        if (said !== undefined) return { jsonrpc: '2.0', id: call.id, ...said }
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(chain.url, { method: 'POST', headers, body: JSON.stringify(call) })
        return answer.json()
      }),
    )
    if (answers.includes(null)) return
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const stateAt = async (gateway: Gateway, id: string) =>
  (await ask(gateway.url, `/v1/offers/${id}`)).body.state
const peersOf = async (gateway: Gateway) => (await ask(gateway.url, '/v1/health')).body.peers

describe('startPeers', () => {
  test('default: offers and withdrawals reach the other gateway, each checked there, and only news is asked for again', async () => {
    const asset = await chain.newAsset()
    const one = await start()
    const offers = await Promise.all(Array.from({ length: 5 }, () => chain.newOffer(asset)))
    await ask(one.url, '/v1/offers', { offers: offers.map(({ json }) => json) })
    const url = await postgres.createDatabase()
    const two = await start({ url, peers: [one.url] })
    for (const { id } of offers) await eventually(async () => expect(await stateAt(two, id)).toBe('live'))
    const [first] = offers
    if (first === undefined) throw new RangeError('no offers')
    const at = Math.floor(Date.now() / 1000)
    const signature = await signWithdraw(accountAt(1), { offer: first.id, at }, chain.deployment)
    await ask(one.url, `/v1/offers/${first.id}/withdraw`, { at, signature })
    await eventually(async () => expect(await stateAt(two, first.id)).toBe('withdrawn'))
    const [{ since }] = await peersOf(two)
    expect(since).toBeGreaterThan(0)
    await two.close()
    const again = await start({ url, peers: [one.url] })
    expect((await peersOf(again))[0].since).toBeGreaterThanOrEqual(since)
    expect(await stateAt(again, first.id)).toBe('withdrawn')
  })

  test('behavior: a peer that is dead, hangs, answers nonsense or forgeries harms nobody', async () => {
    const asset = await chain.newAsset()
    const [good, forged, untouched] = [
      await chain.newOffer(asset),
      await chain.newOffer(asset),
      await chain.newOffer(asset),
    ]
    const honest = await start()
    await ask(honest.url, '/v1/offers', { offers: [good.json, untouched.json] })
    const forgery = { ...forged.json, offer: { ...forged.json.offer, pricePerHour: '1' } }
    const stolen = `0x${'11'.repeat(65)}`
    const liar = await pretend((path) => {
      const since = Number(/since=(\d+)/.exec(path)?.[1])
      const changes = [
        { seq: since + 1, id: forged.id, state: 'live', published: forgery, withdrawal: null },
        {
          seq: since + 2,
          id: `0x${'0'.repeat(64)}`,
          state: 'live',
          published: { nonsense: true },
          withdrawal: null,
        },
        // Withdrawn, says the peer; the operator never signed that.
        {
          seq: since + 3,
          id: untouched.id,
          state: 'withdrawn',
          published: untouched.json,
          withdrawal: { at: 1, signature: stolen },
        },
      ]
      return { body: JSON.stringify({ changes, next: since + 3 }) }
    })
    const peers = [
      'http://127.0.0.1:9',
      await pretend(() => undefined),
      await pretend(() => ({ body: '<html>' })),
      await pretend(() => ({ status: 500, body: '{}' })),
      await pretend(() => ({ body: JSON.stringify({ changes: [], next: -1 }) })),
      await pretend(() => ({ body: `{"changes":"${'x'.repeat(9 * 1024 * 1024)}"}` })),
      liar,
      honest.url,
    ]
    const gateway = await start({ peers })
    await eventually(async () => expect(await stateAt(gateway, good.id)).toBe('live'))
    await eventually(async () => {
      const status = await peersOf(gateway)
      expect(status.map(({ error }: { error: string | null }) => error)).toEqual([
        'PEER_UNREACHABLE',
        null,
        'PEER_MALFORMED',
        'PEER_UNREACHABLE',
        'PEER_MALFORMED',
        'PEER_MALFORMED',
        null,
        null,
      ])
      expect(status[6].since).toBeGreaterThan(3)
    })
    expect(await stateAt(gateway, forged.id)).toBeUndefined()
    expect(await stateAt(gateway, untouched.id)).toBe('live')
  })

  test.each([
    ['stops with an invalid instruction', '0xfe'],
    ['never ends', '0x5b600056'],
    ['answers nothing', '0x00'],
    ['answers a megabyte', '0x621000006000f3'],
    ['reverts with a megabyte', '0x621000006000fd'],
    ['answers the magic value of another standard', '0x6320c13b0b60e01b60005260206000f3'],
  ] as const)(
    'behavior: an offer of a contract whose ERC-1271 check %s is refused, and the next one is taken',
    async (_, code) => {
      const good = await chain.newOffer(await chain.newAsset())
      const odd = await chain.newOffer(await chain.newAsset())
      const operator = privateKeyToAddress(generatePrivateKey())
      await chain.client.setCode({ address: operator, bytecode: code })
      const listed = [{ ...odd.json, operator }, good.json]
      const peer = await pretend((path) => {
        const since = Number(/since=(\d+)/.exec(path)?.[1])
        const changes = listed
          .map((published, at) => ({ seq: at + 1, id: at === 0 ? odd.id : good.id, published }))
          .filter(({ seq }) => seq > since)
          .map((change) => ({ ...change, state: 'live', withdrawal: null }))
        return { body: JSON.stringify({ changes, next: listed.length }) }
      })
      const gateway = await start({ peers: [peer] })
      await eventually(async () => expect(await stateAt(gateway, good.id)).toBe('live'))
      await eventually(async () =>
        expect((await peersOf(gateway))[0]).toMatchObject({ since: listed.length, error: null }),
      )
      expect(await stateAt(gateway, odd.id)).toBeUndefined()
    },
  )

  test.each([
    ['an error of its own', { error: { code: -32000, message: 'out of gas' } }],
    ['no answer', null],
  ] as const)(
    'behavior: an offer of a contract for whose ERC-1271 check the chain has %s is refused, and the next one is taken',
    async (_, said) => {
      const good = await chain.newOffer(await chain.newAsset())
      const odd = await chain.newOffer(await chain.newAsset())
      const operator = privateKeyToAddress(generatePrivateKey())
      await chain.client.setCode({ address: operator, bytecode: '0x00' })
      const rpcUrl = await rpcThat((call) => {
        const [request] = call.params
        const isOdd =
          call.method === 'eth_call' &&
          (request as { to?: string }).to?.toLowerCase() === operator.toLowerCase()
        return isOdd ? said : undefined
      })
      const listed = [{ ...odd.json, operator }, good.json]
      const peer = await pretend((path) => {
        const since = Number(/since=(\d+)/.exec(path)?.[1])
        const changes = listed
          .map((published, at) => ({ seq: at + 1, id: at === 0 ? odd.id : good.id, published }))
          .filter(({ seq }) => seq > since)
          .map((change) => ({ ...change, state: 'live', withdrawal: null }))
        return { body: JSON.stringify({ changes, next: listed.length }) }
      })
      const gateway = await start({ peers: [peer], rpcUrl, rpcTimeoutMs: 2_000 })
      await eventually(async () => expect(await stateAt(gateway, good.id)).toBe('live'))
      await eventually(async () =>
        expect((await peersOf(gateway))[0]).toMatchObject({ since: listed.length, error: null }),
      )
      expect(await stateAt(gateway, odd.id)).toBeUndefined()
    },
  )

  test('behavior: a peer that always promises more is not asked without pause', async () => {
    let asked = 0
    const liar = await pretend((path) => {
      asked++
      return { body: JSON.stringify({ changes: [], next: Number(/since=(\d+)/.exec(path)?.[1]) + 1 }) }
    })
    const gateway = await start({ peers: [liar], peerPollMs: 3_600_000 })
    await eventually(async () => expect((await peersOf(gateway))[0].since).toBe(1))
    // Meanwhile the gateway answers; a peer asked without pause would have been asked again.
    for (let at = 0; at < 20; at++) await peersOf(gateway)
    expect(asked).toBe(1)
  })

  test('behavior: two gateways on one database show each other’s offers', async () => {
    const asset = await chain.newAsset()
    const url = await postgres.createDatabase()
    const [one, two] = await Promise.all([start({ url }), start({ url })])
    const batches = await Promise.all(
      Array.from({ length: 6 }, () => Promise.all(Array.from({ length: 4 }, () => chain.newOffer(asset)))),
    )
    await Promise.all(
      batches.map((batch, at) =>
        ask((at % 2 === 0 ? one : two).url, '/v1/offers', { offers: batch.map(({ json }) => json) }),
      ),
    )
    const all = batches.flat().map(({ id }) => id)
    for (const gateway of [one, two]) {
      await eventually(async () => {
        const { body } = await ask(gateway.url, `/v1/offers?limit=200&q=asset%3D${asset}`)
        expect(body.offers.map(({ id }: { id: string }) => id).sort()).toEqual([...all].sort())
      })
    }
  })
})
