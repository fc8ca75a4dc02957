import { createWalletClient, type Hex, http, zeroAddress, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentsAbi } from '../src/generated/agents.ts'
import {
  agentContracts,
  approveCurrency,
  approveModule,
  authorizationNonce,
  type Channel,
  type ChannelEvent,
  type ChannelState,
  channelsAbi,
  channelsOf,
  claimVouchers,
  closeChannel,
  closeChannelFor,
  completeDeployment,
  confirm,
  createTickChain,
  deployLocal,
  depositToTill,
  depositWithAuthorization,
  finalizeClose,
  getBalance,
  getChannel,
  getTill,
  hashChannel,
  hashClose,
  hashOpen,
  hashVoucher,
  mintTestDollars,
  openChannel,
  openChannelFor,
  openChannelWithAuthorization,
  pullNonce,
  pullRoyalties,
  RevertError,
  readDeployment,
  registerAsset,
  registeredAsset,
  requestClose,
  setOperator,
  settleTill,
  setUpstream,
  signAuthorization,
  signChannelAuthorization,
  signClose,
  signOpen,
  signUpstreamConsent,
  signVoucher,
  tillAbi,
  topUpChannel,
  topUpChannelWithAuthorization,
  transferAsset,
  type Voucher,
  type VoucherClaim,
  type WriteClient,
  watchChannel,
  watchChannels,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
const payer = 3
const payee = 4
const relay = 5
/** An agent's hot key: it signs vouchers and holds nothing. */
const agent = privateKeyToAccount(generatePrivateKey())
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
const tillOf = async (account: `0x${string}`) =>
  (
    await getBalance(chain.client, {
      deployment: chain.deployment,
      account,
      currency: chain.currency.address,
    })
  ).till

let salt = 0
const channelTo = (to: Partial<Channel> = {}): Channel => ({
  payer: accountAt(payer).address,
  signer: agent.address,
  payee: 'asset' in to ? zeroAddress : accountAt(payee).address,
  asset: 0n,
  currency: chain.currency.address,
  closeDelay: 3600,
  salt: `0x${(++salt).toString(16).padStart(64, '0')}`,
  ...to,
})
const vouch = async (channel: Channel, terms: Partial<Voucher>): Promise<VoucherClaim> => {
  const voucher: Voucher = {
    channel: hashChannel(channel, chain.deployment),
    epoch: 0n,
    cumulative: 0n,
    anchor: zeroHash,
    tickPrice: 0n,
    maxTicks: 0,
    terms: zeroHash,
    ...terms,
  }
  return { channel, voucher, signature: await signVoucher(agent, voucher, chain.deployment) }
}
const open = async (channel: Channel, amount = 1_000_000n) => {
  const { deployment } = chain
  await done(payer, openChannel(wallet(payer), { deployment, channel, amount }))
  return hashChannel(channel, deployment)
}
const stateOf = (id: Hex) => getChannel(chain.client, { deployment: chain.deployment, channel: id })

beforeAll(async () => {
  chain = await startLocalChain({ epochLength: 10 })
  const { deployment, currency } = chain
  const amount = 500_000_000n
  await done(payer, approveCurrency(wallet(payer), { deployment, currency: currency.address, amount }))
  await done(payer, depositToTill(wallet(payer), { deployment, currency: currency.address, amount }))
  await done(payer, approveModule(wallet(payer), { deployment, module: deployment.channels, approved: true }))
})
afterAll(() => chain?.stop())

describe('default', () => {
  test('open, vouch, tick, claim, top up, close: every unit is accounted for', async () => {
    const { deployment } = chain
    const before = await tillOf(accountAt(payer).address)
    const paidBefore = await tillOf(accountAt(payee).address)
    const channel = channelTo()
    const id = await open(channel)
    expect(await stateOf(id)).toEqual({
      id,
      state: 'open',
      deposit: 1_000_000n,
      claimed: 0n,
      epoch: 0n,
      closesAt: 0,
    })
    const ticks = createTickChain(generatePrivateKey(), 256)
    const claim = await vouch(channel, {
      cumulative: 5_000n,
      anchor: ticks.anchor,
      tickPrice: 10n,
      maxTicks: ticks.length,
    })
    const claims = [{ ...claim, word: ticks.word(200), ticks: 200 }]
    await done(relay, claimVouchers(wallet(relay), { deployment, claims }))
    expect(await stateOf(id)).toMatchObject({ claimed: 7_000n })
    await done(payer, topUpChannel(wallet(payer), { deployment, channel, amount: 500_000n }))
    expect(await stateOf(id)).toMatchObject({ deposit: 1_500_000n })
    const last = await vouch(channel, { cumulative: 9_000n })
    await done(payee, closeChannel(wallet(payee), { deployment, channel, last }))
    expect(await stateOf(id)).toEqual({
      ...{ id, state: 'none', deposit: 0n, claimed: 0n, epoch: 1n, closesAt: 0 },
    })
    expect((await tillOf(accountAt(payee).address)) - paidBefore).toBe(9_000n)
    expect(before - (await tillOf(accountAt(payer).address))).toBe(9_000n)
    expect(await tillOf(deployment.channels)).toBe(0n)
  })

  test('hashes equal the contract', async () => {
    const { deployment, client } = chain
    const contract = { address: deployment.channels, abi: channelsAbi } as const
    const channel = channelTo({ salt: agent.address.padEnd(66, '0') as Hex })
    const id = hashChannel(channel, deployment)
    expect(await client.readContract({ ...contract, functionName: 'hashChannel', args: [channel] })).toBe(id)
    const { voucher } = await vouch(channel, {
      cumulative: 2n ** 127n,
      tickPrice: 3n,
      maxTicks: 7,
      terms: id,
    })
    expect(await client.readContract({ ...contract, functionName: 'hashVoucher', args: [id, voucher] })).toBe(
      hashVoucher(voucher, deployment),
    )
    const deadline = 1_790_000_000
    expect(
      await client.readContract({ ...contract, functionName: 'hashOpen', args: [id, 2n, 3n, deadline] }),
    ).toBe(hashOpen({ channel: id, epoch: 2n, amount: 3n, deadline }, deployment))
    expect(
      await client.readContract({ ...contract, functionName: 'hashClose', args: [id, 2n, 3n, deadline] }),
    ).toBe(hashClose({ channel: id, epoch: 2n, claimed: 3n, deadline }, deployment))
    const nonce = authorizationNonce({ channel: id, epoch: 2n, salt: id }, deployment)
    expect(
      await client.readContract({ ...contract, functionName: 'authorizationNonce', args: [id, 2n, id] }),
    ).toBe(nonce)
    expect(
      await client.readContract({
        address: deployment.till,
        abi: tillAbi,
        functionName: 'pullNonce',
        args: [agent.address, id],
      }),
    ).toBe(pullNonce(agent.address, id))
  })

  test('a payer without gas opens and tops up from its wallet; the money can go nowhere else', async () => {
    const { deployment, currency } = chain
    const owner = privateKeyToAccount(generatePrivateKey())
    const mint = { currency: currency.address, to: owner.address, amount: 1_000n }
    await done(relay, mintTestDollars(wallet(relay), mint))
    const channel = channelTo({ payer: owner.address })
    const id = hashChannel(channel, deployment)
    const validBefore = BigInt(await chainNow()) + 3600n
    const signing = { deployment, currency, channel, validBefore }
    const authorization = await signChannelAuthorization(owner, { ...signing, amount: 600n })
    // The same authorization as a plain deposit, which would leave the payer with money it has no gas to move.
    const nonce = authorizationNonce({ channel: id, epoch: 0n, salt: authorization.salt }, deployment)
    const plain = await signAuthorization(owner, { ...signing, amount: 600n, nonce })
    await refused(
      'NonceReserved',
      depositWithAuthorization(wallet(relay), { deployment, authorization: plain }),
    )
    const other = { ...channel, payee: accountAt(relay).address }
    await refused(
      'ERC3009InvalidSignature',
      openChannelWithAuthorization(wallet(relay), { deployment, channel: other, authorization }),
    )
    await done(relay, openChannelWithAuthorization(wallet(relay), { deployment, channel, authorization }))
    const more = await signChannelAuthorization(owner, { ...signing, amount: 400n })
    await done(
      relay,
      topUpChannelWithAuthorization(wallet(relay), { deployment, channel, authorization: more }),
    )
    expect(await stateOf(id)).toMatchObject({ state: 'open', deposit: 1_000n })
    await refused(
      'ERC3009UsedAuthorization',
      topUpChannelWithAuthorization(wallet(relay), { deployment, channel, authorization: more }),
    )
    await done(payee, closeChannel(wallet(payee), { deployment, channel }))
    expect(await tillOf(owner.address)).toBe(1_000n)
    // The next life needs an authorization of its own.
    const again = await signChannelAuthorization(owner, { ...signing, amount: 1n, epoch: 0n })
    await refused(
      'ERC3009InvalidSignature',
      openChannelWithAuthorization(wallet(relay), { deployment, channel, authorization: again }),
    )
  })

  test('opened and closed by anyone with the signatures of payer and payee', async () => {
    const { deployment } = chain
    const channel = channelTo()
    const id = hashChannel(channel, deployment)
    const deadline = (await chainNow()) + 3600
    const amount = 50_000n
    const opening = { channel: id, epoch: 0n, amount, deadline }
    const signature = await signOpen(accountAt(payer), opening, deployment)
    const opened = { deployment, channel, amount, deadline, signature }
    await refused('OpenSignatureInvalid', openChannelFor(wallet(relay), { ...opened, amount: 1n }))
    await done(relay, openChannelFor(wallet(relay), opened))
    const last = await vouch(channel, { cumulative: 20_000n })
    const closing = { channel: id, epoch: 0n, claimed: 20_000n, deadline }
    const consent = await signClose(accountAt(payee), closing, deployment)
    const closed = { deployment, channel, deadline, signature: consent }
    await refused('CloseSignatureInvalid', closeChannelFor(wallet(relay), closed))
    const before = await tillOf(accountAt(payer).address)
    await done(relay, closeChannelFor(wallet(relay), { ...closed, last }))
    expect((await tillOf(accountAt(payer).address)) - before).toBe(30_000n)
  })

  test('a close that the signer asks for leaves the payee its delay', async () => {
    const { deployment, client } = chain
    await client.setBalance({ address: agent.address, value: 10n ** 18n })
    const channel = channelTo()
    const id = await open(channel)
    const hot = createWalletClient({
      account: agent,
      chain: foundry,
      transport: http(chain.url),
      pollingInterval: 20,
    })
    await confirm(hot, await requestClose(hot, { deployment, channel }))
    const { closesAt, state } = await stateOf(id)
    expect(state).toBe('closing')
    await refused('CloseRequestedAlready', requestClose(hot, { deployment, channel }))
    await refused('CloseTooEarly', finalizeClose(wallet(relay), { deployment, channel }))
    // A top-up of the payer calls it off.
    await done(payer, topUpChannel(wallet(payer), { deployment, channel, amount: 1n }))
    expect(await stateOf(id)).toMatchObject({ state: 'open', closesAt: 0 })
    await done(payer, requestClose(wallet(payer), { deployment, channel }))
    await pass(closesAt - (await chainNow()) + 3600)
    const claims = [await vouch(channel, { cumulative: 700n })]
    await done(relay, claimVouchers(wallet(relay), { deployment, claims }))
    await done(relay, finalizeClose(wallet(relay), { deployment, channel }))
    expect(await stateOf(id)).toMatchObject({ state: 'none', epoch: 1n })
    await refused('ChannelUnknown', claimVouchers(wallet(relay), { deployment, claims }))
    await open(channel)
    await refused('VoucherEpoch', claimVouchers(wallet(relay), { deployment, claims }))
    const error = await claimVouchers(wallet(relay), { deployment, claims }).catch((error) => error)
    expect(error.message).toBe(`The voucher is for epoch 0 of channel '${id}', which is in epoch 1.`)
  })
})

describe('an asset is paid', () => {
  const parties = [1, 2, 6] as const
  const register = async (owner: number, kind: 'machine' | 'model' | 'dataset' | 'service') => {
    const { deployment, currency } = chain
    const { address } = accountAt(owner)
    const receipt = await done(
      owner,
      registerAsset(wallet(owner), {
        ...{ deployment, owner: address, operator: address, kind, device: zeroAddress },
        ...{ currency: currency.address, spec: zeroHash, uri: '' },
      }),
    )
    const asset = registeredAsset(receipt)
    if (asset === null) throw new RangeError('nothing was registered')
    return asset
  }

  test('one payment in drops reaches four parties through the waterfall', async () => {
    const { deployment, currency } = chain
    const [machine, model, data] = [
      await register(parties[0], 'machine'),
      await register(parties[1], 'model'),
      await register(parties[2], 'dataset'),
    ]
    const service = await register(7, 'service')
    const upstream = [
      { asset: machine, bps: 3000 },
      { asset: model, bps: 2000 },
      { asset: data, bps: 500 },
    ]
    const deadline = (await chainNow()) + 3600
    const agreement = { asset: service, upstream, deadline, nonce: 0n }
    const consents = await Promise.all(
      parties.map((party) => signUpstreamConsent(accountAt(party), agreement, deployment)),
    )
    await done(7, setUpstream(wallet(7), { deployment, asset: service, upstream, consents }))

    const channel = channelTo({ asset: service })
    await open(channel, 2_000_000n)
    const ticks = createTickChain(generatePrivateKey(), 1000)
    const claim = await vouch(channel, { anchor: ticks.anchor, tickPrice: 1_000n, maxTicks: 1000 })
    const claims = [{ ...claim, word: ticks.word(1000), ticks: 1000 }]
    await done(relay, claimVouchers(wallet(relay), { deployment, claims }))
    expect((await getTill(chain.client, { deployment, asset: service })).bucket.amount).toBe(1_000_000n)

    await pass(20)
    await done(relay, settleTill(wallet(relay), { deployment, asset: service }))
    // The fee of 1 % first; then each upstream part of the rest; the owner has what is left.
    expect(await tillOf(accountAt(7).address)).toBe(445_500n)
    for (const [asset, party, royalty] of [
      [machine, parties[0], 297_000n],
      [model, parties[1], 198_000n],
      [data, parties[2], 49_500n],
    ] as const) {
      await done(relay, pullRoyalties(wallet(relay), { deployment, asset }))
      await pass(20)
      await done(relay, settleTill(wallet(relay), { deployment, asset }))
      expect(await tillOf(accountAt(party).address)).toBe(royalty - royalty / 100n)
    }
    // What was claimed is the asset's; giving up the rest is its operator's.
    await refused('NotPayee', closeChannel(wallet(payee), { deployment, channel }))
    await done(7, setOperator(wallet(7), { deployment, asset: service, operator: accountAt(8).address }))
    await refused('NotPayee', closeChannel(wallet(7), { deployment, channel }))
    await done(8, closeChannel(wallet(8), { deployment, channel }))
    await refused(
      'CurrencyInvalid',
      openChannel(wallet(payer), {
        deployment,
        channel: channelTo({ asset: service, currency: deployment.till }),
        amount: 1n,
      }),
    )
    expect(currency.address).not.toBe(deployment.till)
  })

  test('a list pays asset and accounts; an asset that changes hands pays its new owner', async () => {
    const { deployment } = chain
    const asset = await register(6, 'service')
    const channels = [channelTo({ asset }), channelTo({ asset }), channelTo()]
    for (const channel of channels) await open(channel)
    const claimsAt = (cumulative: bigint) =>
      Promise.all(channels.map((channel) => vouch(channel, { cumulative })))
    const account = await tillOf(accountAt(payee).address)
    await done(relay, claimVouchers(wallet(relay), { deployment, claims: await claimsAt(1_000n) }))
    expect((await tillOf(accountAt(payee).address)) - account).toBe(1_000n)
    const seller = await tillOf(accountAt(6).address)
    await done(6, transferAsset(wallet(6), { deployment, asset, to: accountAt(9).address }))
    expect((await tillOf(accountAt(6).address)) - seller).toBe(1_980n)
    await done(relay, claimVouchers(wallet(relay), { deployment, claims: await claimsAt(1_500n) }))
    await pass(20)
    await done(relay, settleTill(wallet(relay), { deployment, asset }))
    expect(await tillOf(accountAt(9).address)).toBe(990n)
    await refused('NothingToClaim', claimVouchers(wallet(relay), { deployment, claims: await claimsAt(1n) }))
  })
})

describe('watching', () => {
  test('watchChannel tells each state, watchChannels each event', async () => {
    const { deployment, client } = chain
    const channel = channelTo()
    const id = hashChannel(channel, deployment)
    const states: ChannelState['state'][] = []
    const events: ChannelEvent[] = []
    const stops = [
      watchChannel(client, {
        deployment,
        channel: id,
        interval: 10,
        onChannel: ({ state }) => {
          states.push(state)
        },
      }),
      watchChannels(client, {
        deployment,
        fromBlock: (await client.getBlockNumber()) + 1n,
        interval: 10,
        onEvents: (told) => {
          events.push(...told)
        },
      }),
    ]
    await expect.poll(() => states, { timeout: 20_000 }).toEqual(['none'])
    await open(channel, 500n)
    await expect.poll(() => states, { timeout: 20_000 }).toEqual(['none', 'open'])
    const claims = [await vouch(channel, { cumulative: 20n })]
    await done(relay, claimVouchers(wallet(relay), { deployment, claims }))
    await done(payer, requestClose(wallet(payer), { deployment, channel }))
    await expect.poll(() => states.at(-1), { timeout: 20_000 }).toBe('closing')
    await done(payer, topUpChannel(wallet(payer), { deployment, channel, amount: 5n }))
    await done(payee, closeChannel(wallet(payee), { deployment, channel }))
    await expect.poll(() => states.at(-1), { timeout: 20_000 }).toBe('none')
    await expect.poll(() => events.at(-1)?.type, { timeout: 20_000 }).toBe('closed')
    const plain = events.map(({ blockNumber: _, transaction: __, ...event }) => event)
    expect(plain).toEqual([
      { type: 'opened', channel: id, parties: channel, epoch: 0n, deposit: 500n },
      { type: 'claimed', channel: id, amount: 20n, claimed: 20n },
      { type: 'closeRequested', channel: id, closesAt: expect.any(Number) },
      { type: 'toppedUp', channel: id, amount: 5n, deposit: 505n, closesAt: 0 },
      { type: 'closed', channel: id, epoch: 0n, claimed: 20n, refunded: 485n },
    ])
    for (const stop of stops) stop()
  })
})

test("completeDeployment adds channels and agents' contracts to a deployment that has none, once", async () => {
  const { client } = chain
  const made = await deployLocal(wallet(0), { salt: `0x${'42'.repeat(32)}` })
  const { channels: _, agents: __, ...earlier } = made
  const completed = await completeDeployment(wallet(0), earlier)
  const added = channelsOf(earlier.till)
  const agents = agentContracts({ ...earlier, channels: added })
  expect(completed).toEqual({ ...earlier, channels: added, agents })
  for (const address of Object.values(agents)) expect(await client.getCode({ address })).toBeDefined()
  const policies = { address: agents.policies, abi: agentsAbi } as const
  expect(await client.readContract({ ...policies, functionName: 'channels' })).toBe(added)
  const contract = { address: completed.channels, abi: channelsAbi } as const
  expect(await client.readContract({ ...contract, functionName: 'till' })).toBe(earlier.till)
  const before = await client.getBlockNumber()
  expect(await completeDeployment(wallet(0), earlier)).toEqual(completed)
  expect(await completeDeployment(wallet(0), completed)).toEqual(completed)
  // What it has is kept, wherever it is.
  const kept = { ...completed, channels: earlier.market, agents: { ...agents, factory: earlier.market } }
  expect(await completeDeployment(wallet(0), kept)).toEqual(kept)
  expect(await client.getBlockNumber()).toBe(before)
  // Contracts that were planned and never deployed are not.
  const planned = { ...completed, agents: { ...agents, module: agent.address } }
  expect(await completeDeployment(wallet(0), planned)).toEqual(completed)
})

test('readDeployment finds the channels where deployLocal puts them, or where it is told', async () => {
  const { deployment, client } = chain
  const { market } = deployment
  const currencies = deployment.currencies.map(({ address }) => address)
  const { agents, credit, ...bare } = deployment
  if (agents === undefined || credit === undefined) throw new RangeError('a local deployment has both')
  expect(await readDeployment(client, { market, currencies })).toEqual(bare)
  expect(await readDeployment(client, { market, currencies, agents, credit })).toEqual(deployment)
  const channels = agent.address
  expect(await readDeployment(client, { market, channels, currencies })).toEqual({ ...bare, channels })
})
