import {
  assetsAbi,
  type Channel,
  cancelAllOffers,
  cancelOffers,
  claimVouchers,
  closeChannel,
  extendLease,
  getChannel as getChannelOnChain,
  getLease as getLeaseOnChain,
  getTill as getTillOnChain,
  hashChannel,
  type Lease,
  marketAbi,
  openChannel,
  openLease,
  payAsset,
  pullRoyalties,
  requestClose,
  setDevice,
  setOperator,
  setRunningCosts,
  setShares,
  setSpec,
  settleLease,
  settleTill,
  setUpstream,
  signVoucher,
  startLease,
  stopLease,
  tillAbi,
  topUpChannel,
  transferAsset,
  transferInTill,
  withdrawFromTill,
} from '@millrace/sdk'
import {
  createWalletClient,
  erc20Abi,
  type Hash,
  type Hex,
  http,
  keccak256,
  toHex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpIndex } from '../../test/chain/dumpIndex.ts'
import { createRandom, type Random } from '../../test/chain/random.ts'
import { eventually } from '../../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../../test/localChain.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import {
  getAccount,
  getAsset,
  getChannel,
  getLease,
  getTill,
  isCancelled,
  listChannels,
  listCurrencies,
  listLeases,
} from './queries.ts'
import { type ChainIndex, startIndex } from './startIndex.ts'

const people = [1, 2, 3, 4]
const ROUNDS = 60
/** Named here, so that nothing has to be estimated; what the contracts refuse is mined as a failure. */
const overrides = { gas: 2_000_000n }

let chain: LocalChain
let postgres: TestPostgres
let databases: Database[]

beforeAll(async () => {
  const started = await Promise.all([startLocalChain(), startPostgres()])
  chain = started[0]
  postgres = started[1]
  databases = [
    await openDatabase({ memory: true }),
    await openDatabase({ url: await postgres.createDatabase() }),
  ]
})
afterAll(async () => {
  for (const database of databases ?? []) await database.close()
  await Promise.all([chain?.stop(), postgres?.stop()])
})

function start(database: Database): ChainIndex {
  const { deployment, url } = chain
  return startIndex({
    database,
    rpcUrl: url,
    deployment: { ...deployment, startBlock: 0 },
    pollMs: 20,
    behindMs: 200,
    finality: 64,
  })
}

/** The accounts of Anvil itself send, so that a rolled back chain cannot leave their nonces behind. */
function walletOf(index: number) {
  const account = accountAt(index).address
  return createWalletClient({ chain: foundry, account, transport: http(chain.url, { retryCount: 0 }) })
}

/** The channel of a person with an account, or with an asset's till. */
function channelOf(payer: number, asset: bigint): Channel {
  return {
    payer: accountAt(payer).address,
    signer: accountAt(payer).address,
    payee: asset === 0n ? accountAt(4).address : zeroAddress,
    asset,
    currency: chain.currency,
    closeDelay: 900,
    salt: zeroHash,
  }
}

/** One random deed on the contracts; those that the contracts refuse are simply not done. */
async function act(random: Random, assets: readonly bigint[], leases: Hex[]): Promise<void> {
  const { deployment, currency } = chain
  const wallet = walletOf(random.pick(people))
  const other = accountAt(random.pick(people)).address
  const asset = random.pick(assets)
  const amount = BigInt(1 + random.below(3_000_000))
  const on = { deployment, asset, overrides } as const
  const lease = {
    overrides,
    deployment,
    lease: leases.length === 0 ? (`0x${'0'.repeat(64)}` as Hash) : random.pick(leases),
  }
  const open = async () => {
    const bond = random.oneIn(2) ? 1_000n : 0n
    const { published, id } = await chain.newOffer(asset, { terms: { bond } })
    const { offer, signature } = published
    await openLease(walletOf(3), {
      overrides,
      deployment,
      offer,
      signature,
      duration: 60 + random.below(500),
    })
    leases.push(id)
  }
  const payer = random.pick(people)
  const channel = channelOf(payer, random.pick([0n, ...assets]))
  const onChannel = { overrides, deployment, channel } as const
  /** A voucher on the channel's life of now. */
  const voucher = async (cumulative: bigint) => {
    const id = hashChannel(channel, deployment)
    const { epoch } = await getChannelOnChain(chain.client, { deployment, channel: id })
    const nothing = { anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash }
    const signed = { channel: id, epoch, cumulative, ...nothing }
    return { voucher: signed, signature: await signVoucher(accountAt(payer), signed, deployment) }
  }
  const payee = walletOf(channel.asset === 0n ? 4 : 1)
  const deeds: readonly (() => Promise<unknown>)[] = [
    () => openChannel(walletOf(payer), { ...onChannel, amount }),
    () => openChannel(walletOf(payer), { ...onChannel, amount }),
    () => topUpChannel(walletOf(payer), { ...onChannel, amount }),
    async () => {
      const claim = { channel, ...(await voucher(amount)) }
      return claimVouchers(wallet, { overrides, deployment, claims: [claim] })
    },
    () => requestClose(walletOf(payer), onChannel),
    async () => closeChannel(payee, { ...onChannel, last: await voucher(amount) }),
    () => payAsset(wallet, { ...on, amount }),
    () => payAsset(wallet, { ...on, amount }),
    () => settleTill(wallet, on),
    () => pullRoyalties(wallet, on),
    () => withdrawFromTill(wallet, { overrides, deployment, currency, to: other, amount }),
    () => transferInTill(wallet, { overrides, deployment, currency, to: other, amount }),
    () => transferAsset(walletOf(1), { ...on, to: other }),
    () => setOperator(walletOf(1), { ...on, operator: other }),
    () => setDevice(walletOf(1), { ...on, device: accountAt(2).address }),
    () => setSpec(walletOf(1), { ...on, spec: keccak256(toHex(amount)), uri: '\u0000"\\' }),
    () => setRunningCosts(walletOf(1), { ...on, perDay: amount * 1000n, cap: amount }),
    () => setShares(walletOf(1), { ...on, shares: accountAt(4).address, bps: 2_000 }),
    () => {
      const upstream = assets.filter((one) => one < asset).map((one) => ({ asset: one, bps: 700 }))
      const consents = upstream.map(() => ({ deadline: 0, nonce: 0n, signature: '0x' as const }))
      return setUpstream(walletOf(1), { ...on, upstream, consents })
    },
    () => cancelOffers(wallet, { overrides, deployment, nonce: BigInt(1000 + random.below(50)) }),
    () => (random.oneIn(4) ? cancelAllOffers(walletOf(4), { overrides, deployment }) : Promise.resolve()),
    open,
    open,
    open,
    () => startLease(walletOf(2), lease),
    () => startLease(walletOf(2), lease),
    () => extendLease(walletOf(3), { ...lease, added: 100 }),
    () => stopLease(walletOf(random.oneIn(3) ? 1 : 3), lease),
    () => settleLease(wallet, lease),
    () => settleLease(wallet, lease),
    () => chain.client.increaseTime({ seconds: 1 + random.below(90) }),
  ]
  await random
    .pick(deeds)()
    .catch(() => {})
}

async function settled(index: ChainIndex, database: Database): Promise<void> {
  await eventually(async () => {
    const block = await chain.client.getBlock()
    const [head] = await database.query<{ hash: string }>('select hash from chain.head')
    expect(head?.hash).toBe(block.hash)
    expect(index.status().lag).toBe(0)
  })
}

/** Compares everything the tables say with what the contracts say. */
async function compare(database: Database, assets: readonly bigint[], leases: readonly Hex[]): Promise<void> {
  const { client, deployment, currency } = chain
  for (const asset of assets) {
    const own = await getAsset(database, asset)
    const record = await client.readContract({
      address: deployment.assets,
      abi: assetsAbi,
      functionName: 'get',
      args: [asset],
    })
    const owner = await client.readContract({
      address: deployment.assets,
      abi: assetsAbi,
      functionName: 'ownerOf',
      args: [asset],
    })
    expect(own).toMatchObject({
      owner: owner.toLowerCase(),
      operator: record.operator.toLowerCase(),
      device: record.device.toLowerCase(),
      currency: record.currency.toLowerCase(),
      kind: record.kind,
      spec: record.spec,
    })
    const till = await getTill(database, asset)
    const theirs = await getTillOnChain(client, { deployment, asset })
    expect(till).toMatchObject({
      bucket: theirs.bucket.amount,
      royalties_due: theirs.royalties,
      debt_held: theirs.held,
      costs_per_day: theirs.terms.costsPerDay,
      costs_cap: theirs.terms.costsCap,
      debt: theirs.terms.debt.toLowerCase(),
      shares: theirs.terms.shares.toLowerCase(),
      shares_bps: theirs.terms.sharesBps,
      upstream: theirs.terms.upstream.map((part) => ({ asset: part.asset.toString(), bps: part.bps })),
    })
  }
  for (const id of leases) {
    const theirs: Lease | null = await getLeaseOnChain(client, { deployment, lease: id }).catch(() => null)
    const own = await getLease(database, id)
    expect(own?.state).toBe(theirs?.state)
    if (own === undefined || theirs === null) continue
    expect({
      asset: own.asset,
      buyer: own.buyer,
      price: own.price_per_hour,
      deposit: own.deposit,
      bond: own.bond,
      duration: own.duration,
      startedAt: own.started_at ?? 0,
      stoppedAt: own.stopped_at ?? 0,
      endsAt: own.ends_at ?? 0,
    }).toEqual({
      asset: theirs.asset,
      buyer: theirs.buyer.toLowerCase(),
      price: theirs.pricePerHour,
      deposit: theirs.deposit,
      bond: theirs.bond,
      duration: theirs.duration,
      startedAt: theirs.startedAt,
      stoppedAt: theirs.stoppedAt,
      endsAt: theirs.endsAt,
    })
    if (own.state === 'settled') expect((own.earned ?? 0n) + (own.refunded ?? 0n)).toBe(own.deposit)
  }
  for (const payer of people) {
    for (const asset of [0n, ...assets]) {
      const id = hashChannel(channelOf(payer, asset), deployment)
      const theirs = await getChannelOnChain(client, { deployment, channel: id })
      const own = await getChannel(database, id)
      expect({
        deposit: own?.deposit ?? 0n,
        claimed: own?.claimed ?? 0n,
        epoch: BigInt(own?.epoch ?? 0),
        closesAt: own?.closes_at ?? 0,
      }).toEqual({
        deposit: theirs.deposit,
        claimed: theirs.claimed,
        epoch: theirs.epoch,
        closesAt: theirs.closesAt,
      })
    }
  }
  const open = await listChannels(database, { open: true, limit: 1_000 })
  for (const { deposit, claimed } of open.items) expect(deposit).toBeGreaterThanOrEqual(claimed)
  const [locked] = await getAccount(database, deployment.channels)
  expect(locked?.balance ?? 0n).toBe(
    open.items.reduce((sum, { deposit, claimed }) => sum + deposit - claimed, 0n),
  )
  const holders = [
    ...people.map((index) => accountAt(index).address),
    deployment.market,
    accountAt(0).address,
  ]
  for (const holder of holders) {
    const balance = await client.readContract({
      address: deployment.till,
      abi: tillAbi,
      functionName: 'balanceOf',
      args: [holder, BigInt(currency)],
    })
    const [own] = await getAccount(database, holder)
    expect(own?.balance ?? 0n).toBe(balance)
  }
  const tokens = await client.readContract({
    address: currency,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [deployment.till],
  })
  const [books] = await listCurrencies(database)
  expect((books?.deposited ?? 0n) - (books?.withdrawn ?? 0n)).toBe(tokens)
  const [row] = await database.query<{ inside: string }>(
    `select ((select coalesce(sum(balance), 0) from chain.accounts)
       + (select coalesce(sum(bucket + debt_held + royalties_due), 0) from chain.tills))::text as inside`,
  )
  expect(BigInt(row?.inside ?? 0)).toBe(tokens)
  expect((await listLeases(database, { limit: 1_000 })).items.length).toBeGreaterThan(0)
  for (let nonce = 1000n; nonce < 1050n; nonce++) {
    const operator = accountAt(3).address
    const theirs = await client.readContract({
      address: deployment.market,
      abi: marketAbi,
      functionName: 'isCancelled',
      args: [operator, nonce],
    })
    expect(await isCancelled(database, operator, nonce)).toBe(theirs)
  }
}

test('behavior: after random deeds and rolled back blocks the tables say what the contracts say', async () => {
  const seed = Number(process.env.MILLRACE_SEED ?? 4_711)
  const random = createRandom(seed)
  for (const index of people) await chain.fund(index)
  const assets = [await chain.newAsset(), await chain.newAsset(), await chain.newAsset()]
  const leases: Hex[] = []
  let snapshot = await chain.client.snapshot()
  const indexes = databases.map(start)
  let undone = 0
  for (const index of indexes) index.on('undone', () => undone++)
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (let deed = 0; deed < 4; deed++) await act(random, assets, leases)
      if (round % 12 === 11 && round < 30) {
        for (const [at, index] of indexes.entries()) await settled(index, databases[at] as Database)
        await chain.client.revert({ id: snapshot })
        await chain.client.increaseTime({ seconds: 5 })
      }
      if (round % 12 === 11 || random.oneIn(8)) snapshot = await chain.client.snapshot()
    }
    for (const [at, database] of databases.entries()) {
      await settled(indexes[at] as ChainIndex, database)
      await compare(database, assets, leases)
    }
    expect(undone, `seed ${seed}`).toBeGreaterThan(0)
    const fresh = await openDatabase({ memory: true })
    const index = start(fresh)
    await settled(index, fresh)
    const expected = await dumpIndex(fresh)
    await index.close()
    await fresh.close()
    for (const database of databases) expect(await dumpIndex(database)).toEqual(expected)
    expect(expected.leases?.length, `seed ${seed}`).toBeGreaterThan(3)
    expect(expected.payments?.length, `seed ${seed}`).toBeGreaterThan(10)
    expect(expected.channels?.length, `seed ${seed}`).toBeGreaterThan(3)
  } finally {
    await Promise.all(indexes.map((index) => index.close()))
  }
}, 180_000)
