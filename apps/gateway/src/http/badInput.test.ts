import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { accountAt, type LocalChain, spec, startLocalChain } from '../../test/localChain.ts'
import { type Gateway, startGateway } from '../startGateway.ts'

let chain: LocalChain
let gateway: Gateway
let asset: bigint

beforeAll(async () => {
  chain = await startLocalChain()
  gateway = await startGateway({
    deployment: chain.deployment,
    rpcUrl: chain.url,
    database: { memory: true },
    chainPollMs: 50,
    slowClientMs: 1_500,
    rate: { perSecond: 10_000, burst: 10_000 },
  })
  asset = await chain.newAsset()
})
afterAll(async () => {
  await gateway?.close()
  await chain?.stop()
})

const get = (path: string) => ask(gateway.url, path)
const refusal = async (offer: unknown) =>
  (await ask(gateway.url, '/v1/offers', { offers: [offer] })).body.rejected[0]?.code
/** Hex text with its fifth byte changed, whatever it was. */
function withOneBitFlipped(hex: string): string {
  return `${hex.slice(0, 10)}${(Number.parseInt(hex.slice(10, 11), 16) ^ 1).toString(16)}${hex.slice(11)}`
}

describe('offers that are not taken', () => {
  test('error: each fault by its code', async () => {
    const { json, published } = await chain.newOffer(asset)
    const now = Math.floor(Date.now() / 1000)
    const resigned = async (terms: object, options: object = {}) =>
      (await chain.newOffer(asset, { terms, ...options })).json
    const cases: [unknown, string][] = [
      [{ ...json, offer: { ...json.offer, pricePerHour: '1' } }, 'SIGNATURE_INVALID'],
      [{ ...json, signature: withOneBitFlipped(json.signature) }, 'SIGNATURE_INVALID'],
      [{ ...json, signature: '0x' }, 'SIGNATURE_INVALID'],
      [{ ...json, operator: accountAt(4).address }, 'SIGNATURE_INVALID'],
      [{ ...json, spec: { ...spec, cpus: 64 } }, 'SPEC_MISMATCH'],
      [{ ...json, chainId: 1 }, 'OFFER_FOREIGN'],
      [{ ...json, market: chain.deployment.till }, 'OFFER_FOREIGN'],
      [{ ...json, currency: chain.deployment.till }, 'CURRENCY_UNKNOWN'],
      [{ ...json, extra: 1 }, 'INVALID_INPUT'],
      [{ ...json, spec: { ...spec, secret: 1 } }, 'INVALID_INPUT'],
      [{ ...json, offer: { ...json.offer, pricePerHour: '-1' } }, 'INVALID_INPUT'],
      [{ ...json, offer: { ...json.offer, pricePerHour: (2n ** 128n).toString() } }, 'INVALID_INPUT'],
      [{ ...json, gateways: ['javascript:alert(1)'] }, 'INVALID_INPUT'],
      [null, 'INVALID_INPUT'],
      [await resigned({ expiry: now - 1 }), 'OFFER_EXPIRED'],
      [await resigned({ expiry: now + 90_000 }), 'OFFER_TOO_LONG_LIVED'],
      [await resigned({ minDuration: 10, maxDuration: 5 }), 'OFFER_TERMS'],
      [await resigned({ asset: 999n }), 'ASSET_UNKNOWN'],
      [await resigned({ asset: 2n ** 200n }), 'ASSET_UNKNOWN'],
      [await resigned({ nonce: (1n << 192n) | 5n }), 'OFFER_CANCELLED'],
      [await resigned({}, { signer: 4 }), 'NOT_ASSET_OPERATOR'],
    ]
    for (const [offer, code] of cases) expect(await refusal(offer), code).toBe(code)
    expect(published.offer.asset).toBe(asset)
  })

  test('behavior: one bad offer does not hold up the others', async () => {
    const [a, b] = [await chain.newOffer(asset), await chain.newOffer(asset)]
    const { body } = await ask(gateway.url, '/v1/offers', { offers: [a.json, 'x', b.json, a.json] })
    expect(body.accepted).toEqual([a.id, b.id, a.id])
    expect(body.rejected).toMatchObject([{ index: 1, code: 'INVALID_INPUT' }])
  })
})

describe('requests that are not taken', () => {
  test('error: bodies and routes', async () => {
    const post = (body: unknown) => ask(gateway.url, '/v1/offers', body)
    expect(await post('{"offers":')).toMatchObject({
      status: 400,
      body: { error: { code: 'JSON_MALFORMED' } },
    })
    expect(await post({})).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } })
    expect(await post({ offers: [], more: 1 })).toMatchObject({ status: 400 })
    expect(await post({ offers: Array(1001).fill(null) })).toMatchObject({ status: 400 })
    expect(await post(`"${'x'.repeat(9 * 1024 * 1024)}"`)).toMatchObject({
      status: 413,
      body: { error: { code: 'BODY_TOO_LARGE' } },
    })
    expect(await get('/v1/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'ROUTE_UNKNOWN' } },
    })
    expect(await get(`/v1/offers/0x${'1'.repeat(64)}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'OFFER_UNKNOWN' } },
    })
    expect(await get('/v1/offers/0x12')).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_INPUT' } },
    })
    expect(await get('/v1/assets/999')).toMatchObject({
      status: 404,
      body: { error: { code: 'ASSET_NOT_INDEXED' } },
    })
    expect(await get(`/v1/assets/${2n ** 255n}`)).toMatchObject({ status: 404 })
    expect(await get(`/v1/leases/0x${'1'.repeat(64)}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'LEASE_NOT_INDEXED' } },
    })
    expect(await get(`/v1/channels/0x${'1'.repeat(64)}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'CHANNEL_NOT_INDEXED' } },
    })
    expect(await get('/v1/leases?state=lost')).toMatchObject({ status: 400 })
    expect(await get('/v1/leases?buyr=0x')).toMatchObject({ status: 400 })
  })

  test('error: queries, orders, limits and cursors, with what is wrong and where', async () => {
    const search = (query: string) => get(`/v1/offers?${query}`)
    const { body } = await search(`q=${encodeURIComponent('gpu_nam=H100')}`)
    expect(body.error).toMatchObject({ code: 'QUERY_INVALID', details: { position: 0 } })
    expect(body.error.message).toContain('gpu_name')
    for (const query of [
      'q=price%3E%3Echeap',
      'order=colour',
      `q=${'a'.repeat(3000)}`,
      'limit=0',
      'limit=201',
      'limit=x',
      'limi=3',
    ])
      expect((await search(query)).status, query).toBe(400)
    for (const cursor of ['x', 'e30', Buffer.from('{"o":"","v":[1e400],"id":"0x"}').toString('base64url')])
      expect(await search(`cursor=${cursor}`), cursor).toMatchObject({
        status: 400,
        body: { error: { code: 'CURSOR_INVALID' } },
      })
    const { next } = (await search('limit=1&order=price')).body
    expect(await search(`limit=1&order=disk&cursor=${next}`)).toMatchObject({ status: 400 })
    expect((await search(`limit=1&order=price&cursor=${next}`)).status).toBe(200)
  })

  test('error: a client that trickles its request is cut off', async () => {
    const { port } = new URL(gateway.url)
    const socket = connect(Number(port), '127.0.0.1')
    const answer = new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
      })
      socket.on('close', () => resolve(text))
      socket.on('error', () => {})
    })
    socket.write('POST /v1/offers HTTP/1.1\r\nhost: x\r\n')
    const drip = setInterval(() => socket.write('x-drip: 1\r\n'), 200)
    expect(await answer).toContain('408')
    clearInterval(drip)
    expect((await get('/v1/health')).status).toBe(200)
  })
})

describe('limits', () => {
  test('error: RateLimited', async () => {
    const slow = await startGateway({
      deployment: chain.deployment,
      rpcUrl: chain.url,
      database: { memory: true },
      rate: { perSecond: 1, burst: 3 },
      proxyHeader: 'x-client',
    })
    try {
      const from = async (client: string) =>
        fetch(`${slow.url}/v1/network`, { headers: { 'x-client': client } })
      const statuses = []
      for (let at = 0; at < 5; at++) statuses.push((await from('1.1.1.1')).status)
      expect(statuses.slice(0, 3)).toEqual([200, 200, 200])
      const refused = await from('1.1.1.1')
      expect(refused.status).toBe(429)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } })
      expect((await from('2.2.2.2')).status).toBe(200)
      expect((await ask(slow.url, '/v1/health')).status).toBe(200)
    } finally {
      await slow.close()
    }
  })

  test('behavior: pages of any origin may read answers', async () => {
    const response = await fetch(`${gateway.url}/v1/network`, {
      headers: { origin: 'https://console.example' },
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })
})
