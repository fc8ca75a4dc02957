import { cancelOffers, setOperator, signWithdraw } from '@millrace/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../test/ask.ts'
import { eventually } from '../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../test/localChain.ts'
import { startPostgres, type TestPostgres } from '../test/startPostgres.ts'
import type { DatabaseOptions } from './database/openDatabase.ts'
import { type Gateway, startGateway } from './startGateway.ts'

let chain: LocalChain
let postgres: TestPostgres

beforeAll(async () => {
  const started = await Promise.all([startLocalChain(), startPostgres()])
  chain = started[0]
  postgres = started[1]
  await chain.fund(3)
})
afterAll(async () => {
  await Promise.all([chain?.stop(), postgres?.stop()])
})

describe.each(['pglite', 'postgres'] as const)('%s', (engine) => {
  let gateway: Gateway
  let asset: bigint
  const get = (path: string) => ask(gateway.url, path)
  const publish = (...offers: unknown[]) => ask(gateway.url, '/v1/offers', { offers })
  const stateOf = async (id: string) => (await get(`/v1/offers/${id}`)).body.state
  const found = async (query: string): Promise<string[]> =>
    (await get(`/v1/offers?limit=200&q=${encodeURIComponent(query)}`)).body.offers.map(
      ({ id }: { id: string }) => id,
    )

  beforeAll(async () => {
    const database: DatabaseOptions =
      engine === 'pglite' ? { memory: true } : { url: await postgres.createDatabase() }
    gateway = await startGateway({
      deployment: chain.deployment,
      rpcUrl: chain.url,
      database,
      chainPollMs: 50,
      rate: { perSecond: 10_000, burst: 10_000 },
    })
    asset = await chain.newAsset()
  })
  afterAll(() => gateway?.close())

  test('default: an offer is published, found, read, and gone once a lease is opened on it', async () => {
    const { id, json, published } = await chain.newOffer(asset)
    const answer = await publish(json)
    expect(answer).toMatchObject({ status: 200, body: { accepted: [id], rejected: [] } })
    expect(await found(`asset=${asset} gpu_name=h100 price<=0.36`)).toContain(id)
    expect((await get(`/v1/offers/${id}`)).body).toEqual({
      id,
      state: 'live',
      reliability: null,
      verified: false,
      challenge: null,
      published: json,
    })
    await chain.open(published)
    await eventually(async () => expect(await stateOf(id)).toBe('opened'))
    await eventually(async () => expect(await found(`asset=${asset}`)).not.toContain(id))
    const leases = await get(`/v1/leases?asset=${asset}`)
    expect(leases.body.leases).toMatchObject([
      { id, state: 'open', buyer: accountAt(3).address.toLowerCase() },
    ])
    expect((await get(`/v1/leases/${id}`)).body).toMatchObject({ id, asset: asset.toString() })
    expect((await publish(json)).body.rejected).toMatchObject([{ index: 0, code: 'OFFER_TAKEN' }])
  })

  test('behavior: a cancelled nonce, another operator and a withdrawal take offers away', async () => {
    const other = await chain.newAsset()
    const [cancelled, foreign, withdrawn, kept] = await Promise.all([
      chain.newOffer(asset),
      chain.newOffer(other),
      chain.newOffer(asset),
      chain.newOffer(asset),
    ])
    const all = [cancelled, foreign, withdrawn, kept]
    expect((await publish(...all.map(({ json }) => json))).body.accepted).toEqual(all.map(({ id }) => id))
    const { deployment, walletOf, done } = chain
    const { nonce } = cancelled.published.offer
    await done(1, cancelOffers(walletOf(1), { deployment, nonce }))
    await done(1, setOperator(walletOf(1), { deployment, asset: other, operator: accountAt(4).address }))
    const at = Math.floor(Date.now() / 1000)
    const byStranger = await signWithdraw(accountAt(4), { offer: withdrawn.id, at }, deployment)
    const path = `/v1/offers/${withdrawn.id}/withdraw`
    expect(await ask(gateway.url, path, { at, signature: byStranger })).toMatchObject({
      status: 422,
      body: { error: { code: 'SIGNATURE_INVALID' } },
    })
    const signature = await signWithdraw(accountAt(1), { offer: withdrawn.id, at }, deployment)
    expect((await ask(gateway.url, path, { at, signature })).body).toMatchObject({ state: 'withdrawn' })
    expect((await ask(gateway.url, path, { at, signature })).body).toMatchObject({ state: 'withdrawn' })
    expect((await publish(withdrawn.json)).body.rejected).toMatchObject([{ code: 'OFFER_WITHDRAWN' }])
    await eventually(async () => {
      expect(await stateOf(cancelled.id)).toBe('cancelled')
      expect(await stateOf(foreign.id)).toBe('void')
    })
    await eventually(async () => {
      const live = await found('')
      expect(live).toContain(kept.id)
      for (const { id } of [cancelled, foreign, withdrawn]) expect(live).not.toContain(id)
    })
    expect((await publish(cancelled.json)).body.rejected).toMatchObject([{ code: 'OFFER_CANCELLED' }])
    expect((await publish(foreign.json)).body.rejected).toMatchObject([{ code: 'NOT_ASSET_OPERATOR' }])
  })

  test('behavior: a reorganisation brings an opened offer back to life', async () => {
    const { id, json, published } = await chain.newOffer(asset)
    await publish(json)
    const snapshot = await chain.client.snapshot()
    await chain.open(published)
    await eventually(async () => expect(await stateOf(id)).toBe('opened'))
    await chain.reorganise(snapshot, 2)
    await eventually(async () => expect(await stateOf(id)).toBe('live'))
    await eventually(async () => expect(await found(`asset=${asset}`)).toContain(id))
  })

  test('behavior: health, network, tills, accounts, metrics and the document answer', async () => {
    await eventually(async () => {
      expect((await get('/v1/health')).body).toMatchObject({
        status: 'ok',
        database: { engine },
        chain: { state: 'following', lag: 0 },
        offers: { loaded: true },
      })
    })
    expect((await get('/v1/network')).body).toMatchObject({ chainId: 31337, market: chain.deployment.market })
    expect((await get(`/v1/assets/${asset}`)).body).toMatchObject({
      asset: asset.toString(),
      kind: 'machine',
    })
    expect((await get(`/v1/tills/${asset}`)).body).toMatchObject({ asset: asset.toString(), revenue: '0' })
    const buyer = accountAt(3).address
    expect((await get(`/v1/accounts/${buyer}`)).body.balances).toMatchObject([{ deposited: '100000000' }])
    expect((await get('/metrics')).body).toContain('millrace_http_requests_total')
    expect(Object.keys((await get('/v1/openapi.json')).body.paths)).toContain('/v1/offers/{id}/withdraw')
  })
})
