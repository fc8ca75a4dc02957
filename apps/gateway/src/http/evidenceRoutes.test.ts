import {
  confirm,
  gatewayClient,
  payAsset,
  settleLease,
  startLease,
  stopLease,
  transferInTill,
} from '@millrace/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { eventually } from '../../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../../test/localChain.ts'
import { type Gateway, startGateway } from '../startGateway.ts'

let chain: LocalChain
let gateway: Gateway
let asset: bigint
const [owner, buyer, friend] = [1, 3, 4]
const addressOf = (index: number) => accountAt(index).address.toLowerCase()

beforeAll(async () => {
  chain = await startLocalChain()
  for (const index of [owner, buyer]) await chain.fund(index)
  asset = await chain.newAsset()
  gateway = await startGateway({
    deployment: chain.deployment,
    rpcUrl: chain.url,
    database: { memory: true },
    chainPollMs: 50,
    rate: { perSecond: 10_000, burst: 10_000 },
  })
  const pay = async (index: number, amount: bigint) => {
    const { deployment } = chain
    const wallet = chain.walletOf(index)
    await confirm(wallet, await payAsset(wallet, { deployment, asset, amount }))
  }
  await pay(buyer, 6_000_000n)
  const wallet = chain.walletOf(owner)
  const { deployment, currency } = chain
  const to = accountAt(friend).address
  await confirm(wallet, await transferInTill(wallet, { deployment, currency, to, amount: 5_000_000n }))
  await pay(friend, 4_000_000n)
})
afterAll(async () => {
  await gateway?.close()
  await chain?.stop()
})

const evidence = (query = '') => ask(gateway.url, `/v1/assets/${asset}/evidence${query}`)

test('default: who paid, what of it can have been the owner’s, and by which way', async () => {
  await eventually(async () => expect((await evidence()).body.payments).toBe(2))
  const { status, body } = await evidence()
  expect(status).toBe(200)
  expect(body).toMatchObject({
    asset: asset.toString(),
    related: [addressOf(owner)],
    revenue: '10000000',
    adjusted: '6000000',
    fundableShare: 0.4,
    circularShare: 0.4,
  })
  const finding = body.findings.find(({ type }: { type: string }) => type === 'funded before')
  expect(finding).toMatchObject({ weight: 'high', share: 0.4 })
  expect(finding.evidence[0]).toMatchObject({
    amount: '4000000',
    steps: [
      { from: addressOf(owner), to: addressOf(friend), amount: '5000000' },
      { from: addressOf(friend), to: `asset ${asset}`, amount: '4000000' },
    ],
  })
})

test('behavior: what comes later is added, and a lease’s earnings come from its buyer', async () => {
  const { id, published } = await chain.newOffer(asset)
  const before = (await evidence()).body
  await chain.open(published)
  const lease = { deployment: chain.deployment, lease: id }
  const [device, client] = [2, buyer].map(chain.walletOf)
  if (device === undefined || client === undefined) throw new RangeError('no wallets')
  await confirm(device, await startLease(device, lease))
  await chain.client.increaseTime({ seconds: 60 })
  await confirm(client, await stopLease(client, lease))
  await confirm(client, await settleLease(client, lease))
  await eventually(async () => expect((await evidence()).body.payments).toBe(before.payments + 1))
  const { body } = await evidence()
  expect(BigInt(body.adjusted)).toBeGreaterThan(BigInt(before.adjusted))
  expect(body.signals.payers).toBe(2)
  expect(before.meter).toMatchObject({ leases: 0, paidSeconds: 0, paid: '0' })
  expect(body.meter).toMatchObject({ leases: 1, supported: 1, challenges: null })
  expect(body.meter.paidSeconds).toBeGreaterThan(0)
  expect(BigInt(body.meter.paid)).toBe(BigInt(body.revenue) - BigInt(before.revenue))
  const reading = body.findings.find(({ type }: { type: string }) => type === 'no reading')
  expect(reading.sentence).toBe(
    'Readings of receipts, capacity, challenges, energy: none. They support nothing here.',
  )
})

test('behavior: a named account counts as related', async () => {
  const { body } = await evidence(`?related=${accountAt(buyer).address}`)
  expect(body.related).toContain(addressOf(buyer))
  expect(body.adjusted).toBe('0')
  expect(body.fundableShare).toBe(1)
})

test('behavior: the SDK’s client reads it', async () => {
  const client = gatewayClient(gateway.url)
  const [to, related] = [4_000_000_000, [accountAt(buyer).address]]
  const found = await client.getEvidence(asset, { from: to - 86_400, to, related })
  expect(found).toMatchObject({ asset, from: to - 86_400, to, revenue: 0n, payments: 0, findings: [] })
  const { revenue, findings } = (await client.getEvidence(asset)) ?? {}
  expect(revenue).toBeGreaterThan(9_999_999n)
  expect(findings?.find(({ type }) => type === 'funded before')?.evidence[0]?.amount).toBe(4_000_000n)
})

test('behavior: a period without payments is empty', async () => {
  const { status, body } = await evidence('?from=0&to=86400')
  expect([status, body.payments, body.revenue]).toEqual([200, 0, '0'])
})

test('error: PERIOD_INVALID, ASSET_NOT_INDEXED, INPUT_INVALID', async () => {
  expect((await evidence('?from=10&to=10')).body.error.code).toBe('PERIOD_INVALID')
  expect((await evidence('?from=0&to=86400000')).body.error.code).toBe('PERIOD_INVALID')
  expect((await ask(gateway.url, '/v1/assets/999/evidence')).body.error.code).toBe('ASSET_NOT_INDEXED')
  const { status } = await evidence('?related=0x12')
  expect(status).toBe(400)
})
