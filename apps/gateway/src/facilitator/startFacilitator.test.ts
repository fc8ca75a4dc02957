import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  batchScheme,
  createPayingFetch,
  createPaywall,
  httpFacilitator,
  openBatchLedger,
  openBatchWallet,
  openBudget,
  type PaymentPayload,
  type PaymentRequirements,
  readBatchChannel,
  signApproval,
  signExact,
  signUpto,
  startBatchClaimer,
} from '@millrace/pay'
import { placeX402Contracts } from '@millrace/pay/x402'
import { mintTestDollars } from '@millrace/sdk'
import { HTTPFacilitatorClient } from '@x402/core/server'
import { type Hex, parseAbiItem } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { accountAt, type LocalChain, startLocalChain } from '../../test/localChain.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import { startValve } from '../../test/startValve.ts'
import { type DatabaseOptions, openDatabase } from '../database/openDatabase.ts'
import { type Gateway, startGateway } from '../startGateway.ts'
import { pruneSettlements } from './pruneSettlements.ts'
import type { SettlementChain } from './startFacilitator.ts'

let chain: LocalChain
let postgres: TestPostgres
let folder: string
let requirements: PaymentRequirements

beforeAll(async () => {
  const started = await Promise.all([startLocalChain(), startPostgres()])
  chain = started[0]
  postgres = started[1]
  folder = await mkdtemp(join(tmpdir(), 'millrace-settlements-'))
  const [currency] = chain.deployment.currencies
  if (currency === undefined) expect.fail('a local deployment has a currency')
  const to = accountAt(3).address
  await chain.done(
    0,
    mintTestDollars(chain.walletOf(0), { currency: chain.currency, to, amount: 1_000_000n }),
  )
  requirements = {
    scheme: 'exact',
    network: `eip155:${chain.deployment.chainId}`,
    amount: '1000',
    asset: currency.address,
    payTo: accountAt(9).address,
    maxTimeoutSeconds: 120,
    extra: { name: currency.name, version: currency.version },
  }
})
afterAll(async () => {
  await Promise.all([chain?.stop(), postgres?.stop()])
  await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const now = () => Math.floor(Date.now() / 1000)
const pay = () => signExact(accountAt(3), { requirements, now: now() })
const start = (
  database: DatabaseOptions,
  options: {
    relayer?: number
    timeoutMs?: number
    rpcUrl?: string
    minimum?: bigint
    chains?: readonly SettlementChain[]
    now?: () => number
  } = {},
) =>
  startGateway({
    deployment: chain.deployment,
    rpcUrl: options.rpcUrl ?? chain.url,
    database,
    chainPollMs: 50,
    rate: { perSecond: 10_000, burst: 10_000 },
    facilitator: {
      relayer: accountAt(options.relayer ?? 5),
      timeoutMs: options.timeoutMs ?? 20_000,
      ...(options.minimum === undefined ? {} : { minimum: options.minimum }),
      ...(options.chains === undefined ? {} : { chains: options.chains }),
    },
    ...(options.now === undefined ? {} : { now: options.now }),
  })
const settle = async (gateway: Gateway, paymentPayload: PaymentPayload, paymentRequirements = requirements) =>
  ask(gateway.url, '/x402/settle', {
    x402Version: 2,
    paymentPayload,
    paymentRequirements,
  })

async function spent({ payload }: PaymentPayload): Promise<number> {
  const { from, nonce } = payload.authorization as { from: Hex; nonce: Hex }
  const events = await chain.client.getLogs({
    address: chain.currency,
    event: parseAbiItem('event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)'),
    args: { authorizer: from, nonce },
    fromBlock: 0n,
  })
  return events.length
}

describe.each(['pglite', 'postgres'] as const)('%s', (engine) => {
  let database: DatabaseOptions
  beforeAll(async () => {
    database =
      engine === 'pglite' ? { dataDir: join(folder, 'database') } : { url: await postgres.createDatabase() }
  })

  test('default: the stock client checks and settles; what asks to be listed is listed', async () => {
    const gateway = await start(database)
    const client = new HTTPFacilitatorClient({ url: `${gateway.url}/x402` })
    const supported = await client.getSupported()
    expect(supported.kinds[0]).toEqual({ x402Version: 2, scheme: 'exact', network: requirements.network })
    expect(supported.signers).toEqual({ 'eip155:*': [accountAt(5).address] })
    const payment = {
      ...(await pay()),
      resource: { url: 'https://seller.example/answer', description: 'An answer' },
      extensions: { bazaar: {} },
    }
    const pair = [payment, requirements] as never as [never, never]
    expect(await client.verify(...pair)).toMatchObject({ isValid: true })
    expect(await client.settle(...pair)).toMatchObject({ success: true })
    expect(await spent(payment)).toBe(1)
    await settle(gateway, await pay())
    const listed = await ask(gateway.url, '/x402/discovery/resources?limit=5')
    expect(listed.body).toMatchObject({
      items: [
        {
          resource: 'https://seller.example/answer',
          accepts: [requirements],
          metadata: { description: 'An answer' },
        },
      ],
      pagination: { limit: 5, offset: 0, total: 1 },
    })
    const behind = await ask(gateway.url, '/x402/discovery/resources?offset=1')
    expect(behind.body).toMatchObject({ items: [], pagination: { total: 1 } })
    await gateway.close()
  })

  test('behavior: what was pending when the gateway ended is settled once, with the same transaction', async () => {
    const payment = await pay()
    await chain.client.setAutomine(false)
    const first = await start(database, { timeoutMs: 200 })
    const pending = await settle(first, payment)
    expect(pending.body).toMatchObject({ success: false, errorReason: 'settlement_pending' })
    await first.close()
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })
    const { transaction } = pending.body
    for (let opening = 0; opening < 2; opening++) {
      const gateway = await start(database)
      expect((await settle(gateway, payment)).body).toMatchObject({ success: true, transaction })
      await gateway.close()
    }
    expect(await spent(payment)).toBe(1)
  })

  test('behavior: a settlement is pruned a day after its authorization ended, and cannot be settled again', async () => {
    const payment = await pay()
    const first = await start(database)
    const { transaction } = (await settle(first, payment)).body
    await first.close()
    const { validBefore } = payment.payload.authorization as { validBefore: string }
    const over = Number(validBefore) + 86_400
    const before = await start(database, { now: () => over - 1 })
    expect((await settle(before, payment)).body).toMatchObject({ success: true, transaction })
    await before.close()
    const after = await start(database, { now: () => over })
    expect((await settle(after, payment)).body).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    })
    await after.close()
    // With the right clock again the token itself refuses.
    const again = await start(database)
    expect((await settle(again, payment)).body).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
    })
    await again.close()
    expect(await spent(payment)).toBe(1)
  })

  test('behavior: a ceiling is settled by what was used, and pruned like the rest', async () => {
    await placeX402Contracts(chain.client)
    const payer = accountAt(3)
    const gateway = await start(database)
    const { kinds } = await new HTTPFacilitatorClient({ url: `${gateway.url}/x402` }).getSupported()
    const kind = kinds.find(({ scheme }) => scheme === 'upto')
    const upto = { ...requirements, scheme: 'upto', extra: { ...requirements.extra, ...kind?.extra } }
    const [signed, approval] = await Promise.all([
      signUpto(payer, { requirements: upto, now: now() }),
      signApproval(payer, {
        ...{ client: chain.client, requirements: upto },
        deadline: BigInt(now() + upto.maxTimeoutSeconds),
      }),
    ])
    if (approval.type !== 'signed') throw new RangeError('Permit2 is not approved')
    const payment = { ...signed, extensions: { eip2612GasSponsoring: { info: approval.info } } }
    const used = { ...upto, amount: '300' }
    const settled = (await settle(gateway, payment, used)).body
    expect(settled).toMatchObject({ success: true, amount: '300' })
    await gateway.close()
    const again = await start(database)
    expect((await settle(again, payment, used)).body).toMatchObject(settled)
    await again.close()
    const { deadline } = payment.payload.permit2Authorization as { deadline: string }
    const after = await start(database, { now: () => Number(deadline) + 86_400 })
    expect((await settle(after, payment, used)).body).toMatchObject({
      success: false,
      errorReason: 'permit2_deadline_expired',
    })
    await after.close()
  })

  test('behavior: a seller is paid on channels through it: deposit, claims, twice sent on, through a restart', async () => {
    await placeX402Contracts(chain.client)
    const payer = privateKeyToAccount(generatePrivateKey())
    const receiver = privateKeyToAccount(generatePrivateKey()).address
    const authorizer = privateKeyToAccount(generatePrivateKey())
    const minted = { currency: chain.currency, to: payer.address, amount: 100_000n }
    await chain.done(0, mintTestDollars(chain.walletOf(0), minted))
    const { network, asset, extra } = requirements
    const files = await mkdtemp(join(folder, 'batch-'))
    const readChannel = (channel: Hex) => readBatchChannel(chain.client, { channel })
    const [currency] = chain.deployment.currencies
    if (currency === undefined) throw new RangeError('a local deployment has a currency')
    const own = {
      ...{ network, asset: asset as Hex, payTo: receiver },
      ...{ name: String(extra?.name), version: String(extra?.version) },
    }
    const ledger = await openBatchLedger({ path: join(files, 'ledger'), readChannel })
    const budget = await openBudget({ path: join(files, 'budget'), limits: {} })
    const batch = await openBatchWallet({
      ...{ path: join(files, 'wallet'), deployment: chain.deployment, currency, payer, budget, readChannel },
      maxDeposit: 50_000n,
    })
    const received = () =>
      chain.client.readContract({
        address: asset as Hex,
        abi: [parseAbiItem('function balanceOf(address) view returns (uint256)')],
        functionName: 'balanceOf',
        args: [receiver],
      })
    for (const [round, calls] of [3, 2].entries()) {
      const gateway = await start(database)
      const facilitator = httpFacilitator({ url: `${gateway.url}/x402` })
      const { kinds } = await facilitator.supported()
      expect(kinds).toContainEqual({ x402Version: 2, scheme: 'batch-settlement', network })
      const scheme = batchScheme({ ledger, currency: own, facilitator, authorizer })
      const paywall = createPaywall({ schemes: [scheme] })
      const seller = (request: Request) =>
        paywall.charge(request, { price: { amount: 1_000n } }, () => new Response('paid'))
      const buy = createPayingFetch({
        ...{ deployment: chain.deployment, currency, budget, batch },
        fetch: (input, init) => seller(new Request(input, init)),
      })
      for (let call = 0; call < calls; call++)
        expect((await buy('http://seller.example/data')).status).toBe(200)
      const events: string[] = []
      const claimer = startBatchClaimer({
        ...{ ledger, currency: own, facilitator, authorizer, everyMs: 3_600_000 },
        onEvent: ({ event }) => events.push(event),
      })
      await claimer.claimNow({ all: true })
      await claimer.stop()
      expect(events.filter((event) => event !== 'claimed')).toEqual(['settled'])
      expect(await received()).toBe(round === 0 ? 3_000n : 5_000n)
      await gateway.close()
    }
    // Orders are pruned once they are done; a deposit a day after it could be made.
    const kept = async (later: number) => {
      const rows = await openDatabase(database)
      await pruneSettlements(rows, now() + later)
      const left = await rows.query<{ type: string }>(
        `select (entries[1])::jsonb #>> '{payload,type}' as type from settlements`,
      )
      await rows.close()
      return left.map(({ type }) => type).filter((type) => type !== null)
    }
    expect(await kept(0)).toEqual(['deposit'])
    expect(await kept(200_000)).toEqual([])
    await Promise.all([batch.close(), budget.close(), ledger.close()])
  })

  test('behavior: a settlement that failed can be tried again', async () => {
    const gateway = await start(database)
    const [, poor] = [accountAt(5), accountAt(7)]
    const payment = await signExact(poor, { requirements, now: now() })
    expect((await settle(gateway, payment)).body).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_insufficient_balance',
    })
    const minted = mintTestDollars(chain.walletOf(0), {
      currency: chain.currency,
      to: poor.address,
      amount: 1000n,
    })
    await chain.done(0, minted)
    expect((await settle(gateway, payment)).body).toMatchObject({ success: true })
    await gateway.close()
  })
})

describe('chains beside the gateway’s own', () => {
  let other: LocalChain
  beforeAll(async () => {
    other = await startLocalChain(84532)
    const to = accountAt(3).address
    await other.done(
      0,
      mintTestDollars(other.walletOf(0), { currency: other.currency, to, amount: 1_000_000n }),
    )
  })
  afterAll(() => other?.stop())

  const there = () => ({ ...requirements, network: 'eip155:84532', asset: other.currency })
  const chainOf = (changed: Partial<SettlementChain> = {}) => ({
    ...{ chainId: 84532, rpcUrl: other.url, assets: [other.currency], ...changed },
  })
  const balanceOn = (where: LocalChain) =>
    where.client.readContract({
      address: where.currency,
      abi: [parseAbiItem('function balanceOf(address) view returns (uint256)')],
      functionName: 'balanceOf',
      args: [accountAt(9).address],
    })

  test('default: a payment is settled on the chain that it names, once, through a restart', async () => {
    const database = { dataDir: join(folder, 'two-chains') }
    const first = await start(database, { chains: [chainOf()] })
    const { kinds } = await new HTTPFacilitatorClient({ url: `${first.url}/x402` }).getSupported()
    const networks = kinds.filter(({ scheme }) => scheme === 'exact').map(({ network }) => network)
    expect(networks).toEqual(expect.arrayContaining([requirements.network, 'eip155:84532']))
    const before = [await balanceOn(chain), await balanceOn(other)]
    const payment = await signExact(accountAt(3), { requirements: there(), now: now() })
    const settled = (await settle(first, payment, there())).body
    expect(settled).toMatchObject({ success: true, network: 'eip155:84532' })
    expect((await settle(first, await pay())).body).toMatchObject({
      success: true,
      network: requirements.network,
    })
    await first.close()
    const second = await start(database, { chains: [chainOf()] })
    expect((await settle(second, payment, there())).body).toEqual(settled)
    expect([await balanceOn(chain), await balanceOn(other)]).toEqual(before.map((paid = 0n) => paid + 1000n))
    await second.close()
  })

  test('error: a payment for one chain is none on another, nor is a token that was not named', async () => {
    const gateway = await start({ memory: true }, { chains: [chainOf({ assets: [accountAt(8).address] })] })
    const payment = await signExact(accountAt(3), { requirements: there(), now: now() })
    expect((await settle(gateway, payment, there())).body).toMatchObject({
      success: false,
      errorReason: 'unsupported_asset',
    })
    const moved = { ...there(), network: requirements.network, asset: requirements.asset }
    const elsewhere = { ...payment, accepted: moved }
    expect((await settle(gateway, elsewhere, moved)).body).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_signature',
    })
    await gateway.close()
  })

  test('behavior: one that does not answer holds up no other, and is used once it does', async () => {
    const valve = await startValve(other.url)
    valve.cut()
    const gateway = await start({ memory: true }, { chains: [chainOf({ rpcUrl: valve.url })] })
    const payment = await signExact(accountAt(3), { requirements: there(), now: now() })
    expect(await settle(gateway, payment, there())).toMatchObject({ body: { success: false } })
    expect((await settle(gateway, await pay())).body).toMatchObject({ success: true })
    valve.open()
    expect((await settle(gateway, payment, there())).body).toMatchObject({ success: true })
    await gateway.close()
    await valve.stop()
  })

  test('error: UsageWrong where an RPC serves another chain, or a chain is named twice', async () => {
    for (const [chains, message] of [
      [[chainOf({ rpcUrl: chain.url })], 'on chain 84532 serves chain 31337'],
      [[chainOf(), chainOf()], 'the same id'],
    ] as const)
      await expect(start({ memory: true }, { chains })).rejects.toThrow(message)
  })
})

describe('behavior: bad requests', () => {
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await start({ memory: true })
  })
  afterAll(() => gateway?.close())

  test.each([
    ['no JSON', '{', 400],
    ['no payment', { x402Version: 2 }, 400],
    ['another version', { x402Version: 3 }, 400],
    ['too long', 'x'.repeat(140_000), 413],
  ])('%s', async (_, body, status) => {
    const settled = await ask(gateway.url, '/x402/settle', body)
    expect(settled).toMatchObject({ status, body: { success: false, errorReason: 'invalid_payload' } })
    const verified = await ask(gateway.url, '/x402/verify', body)
    expect(verified).toMatchObject({ status, body: { isValid: false, invalidReason: 'invalid_payload' } })
  })

  test('a page that is none', async () => {
    expect(await ask(gateway.url, '/x402/discovery/resources?limit=0')).toMatchObject({ status: 400 })
  })
})

test('error: a payment below the minimum of the gateway', async () => {
  const gateway = await start({ memory: true }, { minimum: 1001n })
  expect((await settle(gateway, await pay())).body).toMatchObject({
    success: false,
    errorReason: 'amount_below_minimum',
  })
  await gateway.close()
})

test('behavior: gateways that share a database settle a payment once, and answer alike', async () => {
  const database = { url: await postgres.createDatabase() }
  const gateways = [await start(database), await start(database, { relayer: 6 })]
  const payment = await pay()
  await Promise.all([...gateways, ...gateways].map((gateway) => settle(gateway, payment)))
  const answers = await Promise.all(gateways.map((gateway) => settle(gateway, payment)))
  const [{ transaction } = { transaction: '' }] = answers.map(({ body }) => body)
  for (const { body } of answers) expect(body).toMatchObject({ success: true, transaction })
  expect(await spent(payment)).toBe(1)
  await Promise.all(gateways.map((gateway) => gateway.close()))
})

test('behavior: a chain that does not answer is no refusal: 503, and settled when it is asked again', async () => {
  const valve = await startValve(chain.url)
  const gateway = await start({ memory: true }, { rpcUrl: valve.url })
  const payment = await pay()
  valve.cut()
  const body = { x402Version: 2, paymentPayload: payment, paymentRequirements: requirements }
  expect(await ask(gateway.url, '/x402/verify', body)).toMatchObject({
    status: 503,
    body: { isValid: false, invalidReason: 'unexpected_verify_error' },
  })
  expect(await settle(gateway, payment)).toMatchObject({
    status: 503,
    body: { success: false, errorReason: 'unexpected_settle_error' },
  })
  valve.open()
  expect((await settle(gateway, payment)).body).toMatchObject({ success: true })
  await gateway.close()
  await valve.stop()
})

test('error: FacilitatorOff', async () => {
  const gateway = await startGateway({
    deployment: chain.deployment,
    rpcUrl: chain.url,
    database: { memory: true },
  })
  for (const path of ['/x402/supported', '/x402/discovery/resources'])
    expect(await ask(gateway.url, path)).toMatchObject({
      status: 404,
      body: { error: { code: 'FACILITATOR_OFF' } },
    })
  expect(await ask(gateway.url, '/x402/verify', {})).toMatchObject({ status: 404 })
  await gateway.close()
})
