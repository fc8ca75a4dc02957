import { type Hex, keccak256, zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  approveCurrency,
  approveModule,
  cancelAllOffers,
  cancelOffers,
  confirm,
  depositToTill,
  depositWithAuthorization,
  depositWithPermit,
  extendLease,
  getAsset,
  getBalance,
  getLease,
  getSeries,
  getTill,
  hashOffer,
  hashSpec,
  hashUpstreamAgreement,
  listAssets,
  marketAbi,
  type Offer,
  offerNonce,
  openLease,
  type PublishedOffer,
  payAsset,
  priceUp,
  pullRoyalties,
  RevertError,
  registerAsset,
  registeredAsset,
  setDebt,
  setDevice,
  setOperator,
  setRunningCosts,
  setShares,
  setSpec,
  settleLease,
  settleTill,
  setUpstream,
  signAuthorization,
  signOffer,
  signStart,
  signUpstreamConsent,
  startLease,
  startLeaseFor,
  stopLease,
  tillAbi,
  transferAsset,
  transferInTill,
  verifyOfferOnChain,
  type WriteClient,
  withdrawFromTill,
} from '../src/index.ts'
import { spec } from './fixtures.ts'
import { accountAt, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
beforeAll(async () => {
  chain = await startLocalChain({ epochLength: 10 })
})
afterAll(() => chain?.stop())

const owner = 1
const device = 2
const buyer = 3
const stranger = 4
const wallet = (index: number): WriteClient => chain.walletOf(index)
const done = async (index: number, hash: Promise<Hex>) => confirm(wallet(index), await hash)
const refused = async (name: string, hash: Promise<Hex>) => {
  const error = await hash.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RevertError)
  expect(error).toMatchObject({ revert: { name } })
}
const chainNow = async () => Number((await chain.client.getBlock()).timestamp)
const pass = async (seconds: number) => {
  await chain.client.increaseTime({ seconds })
  await chain.client.mine({ blocks: 1 })
}

async function newAsset(operator = owner): Promise<bigint> {
  const { deployment, currency } = chain
  const receipt = await done(
    owner,
    registerAsset(wallet(owner), {
      deployment,
      owner: accountAt(owner).address,
      operator: accountAt(operator).address,
      kind: 'machine',
      device: accountAt(device).address,
      currency: currency.address,
      spec: zeroHash,
      uri: 'ipfs://machine',
    }),
  )
  const asset = registeredAsset(receipt)
  if (asset === null) throw new RangeError('nothing was registered')
  return asset
}

let nonce = 0n
async function newOffer(asset: bigint, terms: Partial<Offer> = {}): Promise<PublishedOffer> {
  const { deployment, currency } = chain
  const offer: Offer = {
    asset,
    buyer: zeroAddress,
    pricePerHour: 360_000n,
    bond: 0n,
    minDuration: 60,
    maxDuration: 86_400,
    startWindow: 60,
    expiry: (await chainNow()) + 3600,
    spec: hashSpec(spec),
    terms: zeroHash,
    nonce: offerNonce(0n, nonce++),
    ...terms,
  }
  const signature = await signOffer(accountAt(owner), offer, deployment)
  return {
    chainId: deployment.chainId,
    market: deployment.market,
    currency: currency.address,
    operator: accountAt(owner).address,
    offer,
    signature,
    spec,
    gateways: [],
  }
}

async function fund(index: number, amount = 100_000_000n): Promise<void> {
  const { deployment, currency } = chain
  const account = wallet(index)
  await done(index, approveCurrency(account, { deployment, currency: currency.address, amount }))
  await done(index, depositToTill(account, { deployment, currency: currency.address, amount }))
  await done(index, approveModule(account, { deployment, module: deployment.market, approved: true }))
}

const balanceOf = (index: number) =>
  getBalance(chain.client, {
    deployment: chain.deployment,
    account: accountAt(index).address,
    currency: chain.currency.address,
  })

async function opened(terms: Partial<Offer> = {}, duration = 600) {
  const { deployment } = chain
  const asset = await newAsset()
  const { offer, signature } = await newOffer(asset, terms)
  await done(buyer, openLease(wallet(buyer), { deployment, offer, signature, duration }))
  return { asset, offer, lease: hashOffer(offer, deployment) }
}

describe('market', () => {
  test('default: open, start, extend, stop, settle; every unit is accounted for', async () => {
    const { deployment } = chain
    await fund(buyer)
    const before = await balanceOf(buyer)
    expect(before.marketApproved).toBe(true)
    const { asset, offer, lease } = await opened()
    expect(await getLease(chain.client, { deployment, lease })).toMatchObject({
      id: lease,
      state: 'open',
      asset,
      buyer: accountAt(buyer).address,
      deposit: priceUp(offer.pricePerHour, 600),
      duration: 600,
    })
    await done(device, startLease(wallet(device), { deployment, lease }))
    await done(buyer, extendLease(wallet(buyer), { deployment, lease, added: 60 }))
    await pass(100)
    await done(buyer, stopLease(wallet(buyer), { deployment, lease }))
    await done(stranger, settleLease(wallet(stranger), { deployment, lease }))
    const ended = await getLease(chain.client, { deployment, lease })
    const seconds = (ended?.stoppedAt ?? 0) - (ended?.startedAt ?? 0)
    const paid = before.till - (await balanceOf(buyer)).till
    expect(ended).toMatchObject({ state: 'settled' })
    expect(paid).toBeGreaterThan(0n)
    expect(paid).toBeLessThanOrEqual(priceUp(offer.pricePerHour, seconds))
    const till = await getTill(chain.client, { deployment, asset })
    expect(till.bucket.amount).toBe(paid)
  })

  test("a lease starts with the device's signature, sent by anyone", async () => {
    const { deployment } = chain
    const { lease } = await opened()
    const signature = await signStart(accountAt(device), lease, deployment)
    await done(stranger, startLeaseFor(wallet(stranger), { deployment, lease, signature }))
    expect(await getLease(chain.client, { deployment, lease })).toMatchObject({
      state: 'running',
      startBy: 0,
    })
  })

  test('hashOffer and priceUp equal the contract', async () => {
    const { deployment } = chain
    const { offer } = await newOffer(1n, {
      buyer: accountAt(buyer).address,
      bond: 5n,
      terms: `0x${'12'.repeat(32)}`,
    })
    const contract = { address: deployment.market, abi: marketAbi } as const
    expect(await chain.client.readContract({ ...contract, functionName: 'hashOffer', args: [offer] })).toBe(
      hashOffer(offer, deployment),
    )
    for (const [price, seconds] of [
      [360_000n, 61],
      [1n, 1],
      [2n ** 80n, 3599],
    ] as const)
      expect(
        await chain.client.readContract({ ...contract, functionName: 'priceUp', args: [price, seconds] }),
      ).toBe(priceUp(price, seconds))
  })

  test('verifyOfferOnChain takes a good offer and refuses every other by name', async () => {
    const { deployment, client } = chain
    const asset = await newAsset()
    const good = await newOffer(asset)
    const now = await chainNow()
    const verify = (published: PublishedOffer) => verifyOfferOnChain(client, published, { deployment, now })
    expect(await verify(good)).toBe(hashOffer(good.offer, deployment))
    const resigned = async (terms: Partial<Offer>) => newOffer(asset, terms)
    await expect(verify({ ...good, offer: { ...good.offer, pricePerHour: 1n } })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    await expect(verify({ ...good, currency: deployment.till })).rejects.toMatchObject({
      code: 'CURRENCY_MISMATCH',
    })
    await expect(verify(await resigned({ asset: 999n }))).rejects.toMatchObject({ code: 'ASSET_UNKNOWN' })
    const foreign = await newAsset(stranger)
    await expect(verify(await resigned({ asset: foreign }))).rejects.toMatchObject({
      code: 'NOT_ASSET_OPERATOR',
    })
    const cancelled = await resigned({})
    await done(owner, cancelOffers(wallet(owner), { deployment, nonce: cancelled.offer.nonce }))
    await expect(verify(cancelled)).rejects.toMatchObject({ code: 'OFFER_CANCELLED' })
    await fund(buyer)
    await done(
      buyer,
      openLease(wallet(buyer), { deployment, offer: good.offer, signature: good.signature, duration: 60 }),
    )
    await expect(verify(good)).rejects.toMatchObject({ code: 'OFFER_TAKEN' })
  })

  test('refusals of the contract come as sentences', async () => {
    const { deployment } = chain
    const asset = await newAsset()
    const { offer, signature } = await newOffer(asset)
    const open = (terms: Partial<Offer>, duration = 60) =>
      openLease(wallet(buyer), { deployment, offer: { ...offer, ...terms }, signature, duration })
    await refused('DurationInvalid', open({}, 59))
    await refused('OfferSignatureInvalid', open({ pricePerHour: 1n }))
    await refused('LeaseUnknown', stopLease(wallet(buyer), { deployment, lease: keccak256('0x01') }))
    const { lease } = await opened()
    await refused('NotDevice', startLease(wallet(stranger), { deployment, lease }))
    await refused('NotBuyerOrOperator', stopLease(wallet(stranger), { deployment, lease }))
    await refused('LeaseNotOver', settleLease(wallet(stranger), { deployment, lease }))
    const error = await open({}, 59).catch((error) => error)
    expect(error.message).toBe('A duration of 59 s is not allowed; the offer allows 60 to 86400 s.')
  })

  test('a new series voids all offers', async () => {
    const { deployment } = chain
    await done(stranger, cancelAllOffers(wallet(stranger), { deployment }))
    expect(await getSeries(chain.client, { deployment, operator: accountAt(stranger).address })).toBe(1n)
  })

  test('a transaction that fails when mined is explained by confirm', async () => {
    const { deployment } = chain
    const { lease } = await opened()
    const overrides = { gas: 300_000n }
    const hash = await startLease(wallet(stranger), { deployment, lease, overrides })
    await expect(confirm(wallet(stranger), hash)).rejects.toMatchObject({ revert: { name: 'NotDevice' } })
  })
})

describe('assets', () => {
  test('register, change, transfer, list', async () => {
    const { deployment, currency, client } = chain
    const asset = await newAsset()
    expect(await getAsset(client, { deployment, asset })).toEqual({
      id: asset,
      owner: accountAt(owner).address,
      operator: accountAt(owner).address,
      kind: 'machine',
      device: accountAt(device).address,
      currency: currency.address,
      spec: zeroHash,
      uri: 'ipfs://machine',
    })
    const address = accountAt(stranger).address
    await done(owner, setDevice(wallet(owner), { deployment, asset, device: address }))
    await done(owner, setSpec(wallet(owner), { deployment, asset, spec: keccak256('0x02'), uri: 'u' }))
    await done(owner, setOperator(wallet(owner), { deployment, asset, operator: address }))
    await done(owner, transferAsset(wallet(owner), { deployment, asset, to: address }))
    expect(await getAsset(client, { deployment, asset })).toMatchObject({
      owner: address,
      operator: address,
      device: address,
      spec: keccak256('0x02'),
      uri: 'u',
    })
    await refused('NotOwner', setOperator(wallet(owner), { deployment, asset, operator: address }))
    const listed = await listAssets(client, { deployment, from: asset, limit: 1 })
    expect(listed.map(({ id }) => id)).toEqual([asset])
    expect(await getAsset(client, { deployment, asset: 10_000n })).toBeNull()
  })
})

describe('till', () => {
  test('deposits by permit and by authorization, transfers, withdraws', async () => {
    const { deployment, currency } = chain
    const before = await balanceOf(stranger)
    const deadline = BigInt(await chainNow()) + 3600n
    const amount = 7_000_000n
    await done(
      buyer,
      depositWithPermit(wallet(buyer), {
        deployment,
        signer: accountAt(stranger),
        currency,
        amount,
        deadline,
      }),
    )
    const authorization = await signAuthorization(accountAt(stranger), {
      deployment,
      currency,
      amount,
      validBefore: deadline,
    })
    await done(buyer, depositWithAuthorization(wallet(buyer), { deployment, authorization }))
    await refused(
      'ERC3009UsedAuthorization',
      depositWithAuthorization(wallet(buyer), { deployment, authorization }),
    )
    const to = accountAt(owner).address
    await done(
      stranger,
      transferInTill(wallet(stranger), { deployment, currency: currency.address, to, amount: 1_000_000n }),
    )
    await done(
      stranger,
      withdrawFromTill(wallet(stranger), {
        deployment,
        currency: currency.address,
        to: accountAt(stranger).address,
        amount: 3_000_000n,
      }),
    )
    const after = await balanceOf(stranger)
    expect(after.till - before.till).toBe(10_000_000n)
    expect(before.wallet - after.wallet).toBe(11_000_000n)
    await refused(
      'ERC6909InsufficientBalance',
      transferInTill(wallet(stranger), { deployment, currency: currency.address, to, amount: 10n ** 15n }),
    )
  })

  test('the waterfall pays royalties, costs, shares and the owner', async () => {
    const { deployment, client } = chain
    await fund(buyer)
    const model = await newAsset()
    const service = await newAsset()
    const upstream = [{ asset: model, bps: 1000 }]
    const deadline = (await chainNow()) + 3600
    const agreement = { asset: service, upstream, deadline, nonce: 0n }
    const consent = await signUpstreamConsent(accountAt(owner), agreement, deployment)
    await done(
      owner,
      setUpstream(wallet(owner), { deployment, asset: service, upstream, consents: [consent] }),
    )
    await done(
      owner,
      setRunningCosts(wallet(owner), { deployment, asset: service, perDay: 86_400n, cap: 1_000_000n }),
    )
    await done(
      owner,
      setShares(wallet(owner), {
        deployment,
        asset: service,
        shares: accountAt(stranger).address,
        bps: 2500,
      }),
    )
    await done(buyer, payAsset(wallet(buyer), { deployment, asset: service, amount: 1_000_000n }))
    await pass(20)
    const receipt = await done(stranger, settleTill(wallet(stranger), { deployment, asset: service }))
    const [settled] = await client.getContractEvents({
      address: deployment.till,
      abi: tillAbi,
      eventName: 'Settled',
      blockHash: receipt.blockHash,
    })
    const split = settled?.args
    expect(split).toMatchObject({ fee: 10_000n, upstream: 99_000n, debt: 0n })
    expect(
      (split?.fee ?? 0n) +
        (split?.upstream ?? 0n) +
        (split?.costs ?? 0n) +
        (split?.shares ?? 0n) +
        (split?.owner ?? 0n),
    ).toBe(1_000_000n)
    expect((await getTill(client, { deployment, asset: model })).royalties).toBe(99_000n)
    await done(stranger, pullRoyalties(wallet(stranger), { deployment, asset: model }))
    const till = await getTill(client, { deployment, asset: model })
    expect(till.royalties).toBe(0n)
    expect(till.bucket.amount).toBe(99_000n)
    expect((await getTill(client, { deployment, asset: service })).terms).toMatchObject({
      upstream,
      sharesBps: 2500,
    })
    await refused(
      'DebtNotListed',
      setDebt(wallet(owner), { deployment, asset: model, debt: deployment.market }),
    )
  })

  test("an agreement's digest equals the contract's", async () => {
    const { deployment, client } = chain
    const agreement = {
      asset: 3n,
      upstream: [
        { asset: 1n, bps: 5 },
        { asset: 2n, bps: 6 },
      ],
      deadline: 1_790_000_000,
      nonce: 7n,
    }
    const digest = await client.readContract({
      address: deployment.till,
      abi: tillAbi,
      functionName: 'hashAgreement',
      args: [agreement.asset, agreement.upstream, agreement.deadline, agreement.nonce],
    })
    expect(hashUpstreamAgreement(agreement, deployment)).toBe(digest)
  })
})
