import fs, { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signRelayHello } from '@millrace/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ask } from '../test/ask.ts'
import { eventually } from '../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../test/localChain.ts'
import { startPostgres } from '../test/startPostgres.ts'
import { startValve, type Valve } from '../test/startValve.ts'
import { guardDisk } from './database/guardDisk.ts'
import { type Gateway, startGateway } from './startGateway.ts'

let chain: LocalChain
let valve: Valve
let gateway: Gateway
let asset: bigint
const folder = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
const get = (path: string) => ask(gateway.url, path)
const publish = (...offers: unknown[]) => ask(gateway.url, '/v1/offers', { offers })

beforeAll(async () => {
  chain = await startLocalChain()
  valve = await startValve(chain.url)
  gateway = await startGateway({
    deployment: chain.deployment,
    rpcUrl: valve.url,
    database: { dataDir: join(folder, 'database') },
    chainPollMs: 50,
    rpcTimeoutMs: 400,
    rate: { perSecond: 10_000, burst: 10_000 },
  })
  asset = await chain.newAsset()
  await eventually(async () => expect((await get(`/v1/assets/${asset}`)).status).toBe(200))
})
afterAll(async () => {
  await gateway?.close()
  await valve?.stop()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

describe('a chain that hangs', () => {
  test('behavior: search, publication and relay go on from the last known state, and health says how far behind', async () => {
    const before = await chain.newOffer(asset)
    expect((await publish(before.json)).body.accepted).toEqual([before.id])
    valve.shut()
    await eventually(async () => expect((await get('/v1/health')).body.chain.state).toBe('stalled'))
    const health = await get('/v1/health')
    expect(health).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: { engine: 'pglite' } },
    })
    expect(health.body.chain.error).not.toBeNull()
    expect(health.body.chain.indexed).toBeGreaterThan(0)

    const during = await chain.newOffer(asset)
    expect((await publish(during.json)).body.accepted).toEqual([during.id])
    const found = await get(`/v1/offers?q=${encodeURIComponent(`asset=${asset}`)}`)
    expect(found.body.offers.map(({ id }: { id: string }) => id).sort()).toEqual(
      [before.id, during.id].sort(),
    )
    const unknown = await chain.newOffer(await chain.newAsset())
    expect((await publish(unknown.json)).body.rejected).toMatchObject([{ code: 'CHAIN_UNAVAILABLE' }])

    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/v1/relay/device`)
    const ready = new Promise<string>((resolve) => {
      socket.on('message', async (data) => {
        const message = JSON.parse(data.toString())
        if (message.type === 'ready') resolve(message.type)
        else
          socket.send(
            JSON.stringify(
              await signRelayHello(accountAt(2), {
                nonce: message.nonce,
                chainId: 31337,
                gateway: gateway.url,
              }),
            ),
          )
      })
    })
    expect(await ready).toBe('ready')
    socket.close()

    valve.open()
    await eventually(async () => expect((await get('/v1/health')).body.status).toBe('ok'))
    expect((await publish(unknown.json)).body.accepted).toEqual([unknown.id])
  })
})

describe('a full disk', () => {
  test('error: DatabaseUnavailable, nothing half done, and all well once there is room', async () => {
    const write = fs.writeSync
    const [first, second] = [await chain.newOffer(asset), await chain.newOffer(asset)]
    const filler = await Promise.all(
      Array.from({ length: 120 }, async () => (await chain.newOffer(asset)).json),
    )
    // The system below the embedded database refuses every write, as a full disk does.
    fs.writeSync = (() => {
      throw Object.assign(new RangeError('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }) as typeof fs.writeSync
    let refused: Awaited<ReturnType<typeof publish>>
    try {
      refused = await publish(first.json, ...filler)
      expect((await get('/v1/offers')).status).toBe(200)
    } finally {
      fs.writeSync = write
    }
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'DATABASE_UNAVAILABLE' } } })
    expect((await get(`/v1/offers/${first.id}`)).status).toBe(404)
    expect((await publish(first.json, second.json)).body.accepted).toEqual([first.id, second.id])
    expect((await get(`/v1/offers/${first.id}`)).body.state).toBe('live')
  })

  test('error: DiskFull before the disk is full', async () => {
    await guardDisk(folder, 1)()
    await expect(guardDisk(folder, Number.MAX_SAFE_INTEGER)()).rejects.toMatchObject({
      code: 'DISK_FULL',
      status: 503,
      retryable: true,
    })
  })
})

describe('a Postgres that goes away', () => {
  test('error: DatabaseUnavailable, and all well when it is back', async () => {
    const postgres = await startPostgres()
    const way = await startValve(postgres.url.replace('postgres://millrace@', 'http://'))
    const url = (await postgres.createDatabase()).replace(/:\d+\//, `:${new URL(way.url).port}/`)
    const other = await startGateway({ deployment: chain.deployment, rpcUrl: chain.url, database: { url } })
    try {
      const offer = await chain.newOffer(asset)
      expect((await ask(other.url, '/v1/offers', { offers: [offer.json] })).body.accepted).toEqual([offer.id])
      way.cut()
      await eventually(async () => {
        const answer = await ask(other.url, `/v1/offers/${offer.id}`)
        expect(answer).toMatchObject({ status: 503, body: { error: { code: 'DATABASE_UNAVAILABLE' } } })
      })
      expect(await ask(other.url, '/v1/health')).toMatchObject({ status: 503, body: { status: 'down' } })
      way.open()
      await eventually(async () => {
        expect((await ask(other.url, `/v1/offers/${offer.id}`)).body.state).toBe('live')
        expect((await ask(other.url, '/v1/health')).body.status).toBe('ok')
      })
      const later = await chain.newOffer(asset)
      expect((await ask(other.url, '/v1/offers', { offers: [later.json] })).body.accepted).toEqual([later.id])
    } finally {
      await other.close()
      await way.stop()
      await postgres.stop()
    }
  })
})
