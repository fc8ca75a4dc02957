import {
  type Address,
  encodeAbiParameters,
  encodeFunctionData,
  getAddress,
  type Hex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentModuleAbi } from '../src/generated/agentModule.ts'
import { agentsAbi } from '../src/generated/agents.ts'
import {
  type AgentChange,
  AgentContractsUnknownError,
  type AgentPolicy,
  type AgentSetup,
  type AgentWallet,
  acceptAgentAccount,
  agentAccountAddress,
  agentChangeReadyAt,
  agentModuleCalls,
  allowForAgent,
  announceAgentChange,
  applyAgentChange,
  approveAgentSpend,
  approveCurrency,
  type Channel,
  cancelAgentRef,
  confirm,
  counterpartyOf,
  createAgentAccount,
  type Deployment,
  depositToTill,
  executeAgentAccount,
  extendLeaseAsAgent,
  finalizeClose,
  forbidForAgent,
  fundChannelAsAgent,
  fundFloatAsAgent,
  getAgentPolicy,
  getAgentWallet,
  getExposure,
  getLease,
  hashAgentChange,
  hashOffer,
  isAgentPaused,
  isAllowedForAgent,
  listAgentChanges,
  offerAgentAccount,
  openLeaseAsAgent,
  pauseAgent,
  payAsAgent,
  registerAsset,
  registeredAsset,
  releaseAgent,
  requestAgentClose,
  requestClose,
  setAgentDelay,
  setAgentGuardian,
  setAgentPolicy,
  signOffer,
  startLease,
  stopAgentLease,
  tillAbi,
  vetoAgentChange,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'
import { modularAccountBytecode } from './modularAccount.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())

const [owner, guardian, agent, newOwner] = [1, 2, 3, 4]
const address = (index: number) => accountAt(index).address
const at = (index: number) => chain.walletOf(index)
const payee = '0x00000000000000000000000000000000000000fe'
const float = '0x000000000000000000000000000000000000F10a'
const send = async (index: number, hash: Promise<Hex>) => confirm(at(index), await hash)
const later = async (seconds: number) => {
  await chain.client.increaseTime({ seconds })
  await chain.client.mine({ blocks: 1 })
}
const never = 2 ** 40 - 1

const policy: AgentPolicy = {
  perPayment: 50n,
  perPeriod: 1_000n,
  perCounterparty: 800n,
  budget: 10_000n,
  approveAbove: 40n,
  period: 86_400,
  start: 0,
  end: never,
  anyCounterparty: false,
  anyService: true,
  float,
  floatPerPeriod: 20n,
}

const setupOf = (): AgentSetup => ({
  guardian: address(guardian),
  delay: 3_600,
  grants: [
    {
      agent: address(agent),
      currency: chain.currency.address,
      policy,
      counterparties: [counterpartyOf({ to: payee })],
      services: [],
    },
  ],
})

async function fund(account: Address) {
  const { deployment, currency } = chain
  const money = { deployment, currency: currency.address, amount: 1_000n }
  await send(owner, approveCurrency(at(owner), money))
  await send(owner, depositToTill(at(owner), { ...money, to: account }))
}

let made = 0
async function newWallet() {
  const { deployment, currency } = chain
  const salt: Hex = `0x${(++made).toString(16).padStart(64, '0')}`
  const parameters = { deployment, owner: address(owner), setup: setupOf(), salt }
  const account = await agentAccountAddress(chain.client, parameters)
  await send(0, createAgentAccount(at(0), parameters))
  await fund(account)
  const wallet: AgentWallet = { account }
  return {
    account,
    wallet,
    deployment,
    line: { wallet, agent: address(agent), currency: currency.address },
    spend: (amount: bigint, ref: bigint, to: Address = payee) => ({
      currency: currency.address,
      counterparty: { to } as const,
      amount,
      ref,
    }),
  }
}

const balanceOf = (account: Address) =>
  chain.client.readContract({
    address: chain.deployment.till,
    abi: tillAbi,
    functionName: 'balanceOf',
    args: [account, BigInt(chain.currency.address)],
  })

describe('default: owner and guardian', () => {
  test('a change is announced, and taken back by the guardian', async () => {
    const { wallet, line } = await newWallet()
    const change = { type: 'policy', ...line, policy: { ...policy, perPayment: 60n } } as const
    const id = hashAgentChange(wallet, change)
    expect(await agentChangeReadyAt(chain.client, { wallet, change: id })).toBe(0)
    await send(owner, announceAgentChange(at(owner), { wallet, change }))
    expect(await agentChangeReadyAt(chain.client, { wallet, change: id })).toBeGreaterThan(0)
    await send(guardian, vetoAgentChange(at(guardian), { wallet, change: id }))
    expect(await agentChangeReadyAt(chain.client, { wallet, change: id })).toBe(0)
    await later(3_601)
    const refused = setAgentPolicy(at(owner), { ...line, policy: change.policy })
    await expect(refused).rejects.toMatchObject({ code: 'CHANGE_UNANNOUNCED' })
    const again = vetoAgentChange(at(guardian), { wallet, change: id })
    await expect(again).rejects.toMatchObject({ code: 'CHANGE_UNANNOUNCED' })
    const stranger = vetoAgentChange(at(agent), { wallet, change: id })
    await expect(stranger).rejects.toMatchObject({ code: 'NOT_OWNER_OR_GUARDIAN' })
  })

  test('counterparties are allowed after the delay, and forbidden at once', async () => {
    const { wallet, line, spend } = await newWallet()
    const other = address(0)
    const list = { counterparties: [counterpartyOf({ to: other })], services: [zeroHash] }
    const pay = (ref: bigint) => payAsAgent(at(agent), { wallet, spend: spend(1n, ref, other) })
    await expect(pay(1n)).rejects.toMatchObject({ code: 'COUNTERPARTY_NOT_ALLOWED' })
    const change = { type: 'allow', ...line, ...list } as const
    await send(owner, announceAgentChange(at(owner), { wallet, change }))
    await expect(allowForAgent(at(owner), { ...line, ...list })).rejects.toMatchObject({
      code: 'CHANGE_TOO_EARLY',
    })
    await later(3_601)
    await send(owner, allowForAgent(at(owner), { ...line, ...list }))
    await send(agent, pay(1n))
    await send(owner, forbidForAgent(at(owner), { ...line, counterparties: list.counterparties }))
    await expect(pay(2n)).rejects.toMatchObject({ code: 'COUNTERPARTY_NOT_ALLOWED' })
  })

  test('what was announced is listed until it is vetoed, made or too old, and made as it is listed', async () => {
    const { wallet, line, account } = await newWallet()
    const { agent: spender, currency } = line
    const changes: AgentChange[] = [
      { type: 'policy', agent: spender, currency, policy: { ...policy, perPayment: 60n } },
      {
        type: 'allow',
        agent: spender,
        currency,
        counterparties: [counterpartyOf({ asset: 7n })],
        services: [zeroHash],
      },
      { type: 'guardian', guardian: address(newOwner) },
      { type: 'delay', delay: 60 },
    ]
    for (const change of changes) await send(owner, announceAgentChange(at(owner), { wallet, change }))
    // Announced, and none of the four; and one that would change another wallet.
    const other = hashAgentChange({ account: payee }, { type: 'delay', delay: 1 })
    for (const call of [
      '0x1234',
      encodeFunctionData({ abi: agentsAbi, functionName: 'setDelay', args: [payee, 1] }),
    ] as const)
      await send(
        owner,
        at(owner).writeContract({
          address: account,
          abi: agentsAbi,
          functionName: 'announce',
          args: [account, call],
        }),
      )
    const listed = async () => (await listAgentChanges(chain.client, { wallet })).map(({ change }) => change)
    const found = await listAgentChanges(chain.client, { wallet })
    expect(found.map(({ change }) => change)).toEqual([null, null, ...changes.toReversed()])
    expect(found[0]?.hash).toBe(other)
    for (const { readyAt, until } of found) expect(until - readyAt).toBe(14 * 86_400)
    const [, , delay, name, list] = found
    await send(guardian, vetoAgentChange(at(guardian), { wallet, change: name?.hash ?? zeroHash }))
    await later(3_601)
    for (const each of [list, delay])
      if (each?.change) await send(owner, applyAgentChange(at(owner), { wallet, change: each.change }))
    expect((await getAgentWallet(chain.client, wallet)).delay).toBe(60)
    expect(await isAllowedForAgent(chain.client, { ...line, counterparty: { asset: 7n } })).toBe(true)
    expect(await isAllowedForAgent(chain.client, { ...line, counterparty: { asset: 8n } })).toBe(false)
    expect(await isAllowedForAgent(chain.client, { ...line, service: zeroHash })).toBe(true)
    expect(await listed()).toEqual([null, null, changes[0]])
    await later(14 * 86_400)
    expect(await listed()).toEqual([])
  })

  test('guardian and delay are changed as announced; a longer delay needs none', async () => {
    const { wallet } = await newWallet()
    await send(owner, setAgentDelay(at(owner), { wallet, delay: 7_200 }))
    const delay = { type: 'delay', delay: 60 } as const
    const name = { type: 'guardian', guardian: address(newOwner) } as const
    await expect(setAgentDelay(at(owner), { wallet, delay: 60 })).rejects.toMatchObject({
      code: 'CHANGE_UNANNOUNCED',
    })
    await send(owner, announceAgentChange(at(owner), { wallet, change: delay }))
    await send(owner, announceAgentChange(at(owner), { wallet, change: name }))
    await later(7_201)
    await send(owner, setAgentDelay(at(owner), { wallet, delay: 60 }))
    await send(owner, setAgentGuardian(at(owner), { wallet, guardian: name.guardian }))
    expect(await getAgentWallet(chain.client, wallet)).toEqual({
      owner: address(owner),
      guardian: address(newOwner),
      delay: 60,
    })
  })

  test('a spending is approved on chain, and one that was is cancelled', async () => {
    const { wallet, line, spend } = await newWallet()
    const approval = { expiry: never, signature: '0x' } as const
    const approve = (ref: bigint) =>
      approveAgentSpend(at(guardian), {
        wallet,
        agent: line.agent,
        kind: 'payment',
        spend: spend(45n, ref),
        expiry: never,
      })
    const pay = (ref: bigint) => payAsAgent(at(agent), { wallet, spend: spend(45n, ref), approval })
    await expect(pay(1n)).rejects.toMatchObject({ code: 'APPROVAL_MISSING' })
    await send(guardian, approve(1n))
    await send(agent, pay(1n))
    await send(guardian, approve(2n))
    await send(owner, cancelAgentRef(at(owner), { wallet, agent: line.agent, ref: 2n }))
    await expect(pay(2n)).rejects.toMatchObject({ code: 'REF_USED' })
  })

  test('the owner acts as the account, and gives it away to somebody who is no agent', async () => {
    const { account, wallet, deployment } = await newWallet()
    const data = encodeFunctionData({
      abi: tillAbi,
      functionName: 'withdraw',
      args: [chain.currency.address, address(owner), 5n],
    })
    const before = await balanceOf(account)
    await send(owner, executeAgentAccount(at(owner), { account, target: deployment.till, data }))
    expect(await balanceOf(account)).toBe(before - 5n)
    const stolen = executeAgentAccount(at(agent), { account, target: deployment.till, data })
    await expect(stolen).rejects.toMatchObject({ code: 'NOT_ACCOUNT_OWNER' })
    const toAgent = offerAgentAccount(at(owner), { account, to: address(agent) })
    await expect(toAgent).rejects.toMatchObject({ code: 'AGENT_INVALID' })
    await send(owner, offerAgentAccount(at(owner), { account, to: address(newOwner) }))
    await expect(acceptAgentAccount(at(agent), { account })).rejects.toMatchObject({
      code: 'NOT_OFFERED_OWNER',
    })
    await send(newOwner, acceptAgentAccount(at(newOwner), { account }))
    expect((await getAgentWallet(chain.client, wallet)).owner).toBe(address(newOwner))
  })
})

describe('default: agents', () => {
  test('an agent fills its float', async () => {
    const { wallet, line } = await newWallet()
    const { currency } = line
    const fill = (amount: bigint, ref: bigint) =>
      fundFloatAsAgent(at(agent), { wallet, currency, amount, ref })
    await send(agent, fill(20n, 1n))
    await expect(fill(1n, 2n)).rejects.toMatchObject({ code: 'FLOAT_EXCEEDED' })
  })

  test('channels of a paused agent are ended by anyone, and then not exposed', async () => {
    const { wallet, line, deployment } = await newWallet()
    const channelOf = (salt: Hex): Channel => ({
      payer: wallet.account,
      signer: line.agent,
      payee,
      asset: 0n,
      currency: line.currency,
      closeDelay: 900,
      salt,
    })
    const channel = channelOf(zeroHash)
    const own = channelOf(`0x${'01'.repeat(32)}`)
    await send(agent, fundChannelAsAgent(at(agent), { wallet, channel, amount: 30n, ref: 1n }))
    await send(agent, fundChannelAsAgent(at(agent), { wallet, channel: own, amount: 10n, ref: 2n }))
    // An agent ends its own, as their signer.
    await send(agent, requestClose(at(agent), { deployment, channel: own }))
    const close = () => requestAgentClose(at(0), { wallet, agent: line.agent, channels: [channel, own] })
    await expect(close()).rejects.toMatchObject({ code: 'AGENT_NOT_PAUSED' })
    await send(guardian, pauseAgent(at(guardian), { wallet, agent: line.agent }))
    expect(await isAgentPaused(chain.client, line)).toBe(true)
    await send(0, close())
    await later(901)
    for (const each of [channel, own]) await send(0, finalizeClose(at(0), { deployment, channel: each }))
    const exposed = () => getExposure(chain.client, { ...line, deployment, channels: [], leases: [] })
    expect(await exposed()).toBe(40n)
    await send(0, releaseAgent(at(0), { wallet, agent: line.agent, channels: [channel, own] }))
    expect(await exposed()).toBe(0n)
  })

  test('a lease is extended by its agent and stopped by the owner', async () => {
    const { wallet, line, deployment } = await newWallet()
    const { currency } = line
    const receipt = await send(
      owner,
      registerAsset(at(owner), {
        deployment,
        owner: address(owner),
        operator: address(owner),
        kind: 'machine',
        device: address(0),
        currency,
        spec: zeroHash,
        uri: 'ipfs://machine',
      }),
    )
    const asset = registeredAsset(receipt)
    if (asset === null) throw new RangeError('nothing was registered')
    const list = { counterparties: [counterpartyOf({ asset })], services: [] }
    await send(owner, announceAgentChange(at(owner), { wallet, change: { type: 'allow', ...line, ...list } }))
    await later(3_601)
    await send(owner, allowForAgent(at(owner), { ...line, ...list }))
    const offer = {
      asset,
      buyer: zeroAddress,
      pricePerHour: 600n,
      bond: 0n,
      minDuration: 60,
      maxDuration: 3_600,
      startWindow: 60,
      expiry: never,
      spec: zeroHash,
      terms: zeroHash,
      nonce: 0n,
    }
    const signature = await signOffer(accountAt(owner), offer, deployment)
    await send(agent, openLeaseAsAgent(at(agent), { wallet, offer, signature, duration: 60, ref: 1n }))
    const lease = hashOffer(offer, deployment)
    await send(0, startLease(at(0), { deployment, lease }))
    const foreign = extendLeaseAsAgent(at(owner), { wallet, lease, added: 60, ref: 1n })
    await expect(foreign).rejects.toMatchObject({ code: 'LEASE_FOREIGN' })
    await send(agent, extendLeaseAsAgent(at(agent), { wallet, lease, added: 60, ref: 2n }))
    expect(await getLease(chain.client, { deployment, lease })).toMatchObject({ deposit: 20n })
    await expect(stopAgentLease(at(newOwner), { wallet, lease })).rejects.toMatchObject({
      code: 'LEASE_FOREIGN',
    })
    await send(owner, stopAgentLease(at(owner), { wallet, lease }))
    await send(0, releaseAgent(at(0), { wallet, agent: line.agent, leases: [lease] }))
  })
})

describe('behavior: a module of an ERC-7579 account', () => {
  test('it is installed by the calls that the account makes, and an agent pays', async () => {
    const { deployment, currency, client } = chain
    const key = encodeAbiParameters([{ type: 'address' }], [address(owner)])
    const hash = await at(0).sendTransaction({ data: `${modularAccountBytecode}${key.slice(2)}` })
    const account = getAddress(
      (await client.waitForTransactionReceipt({ hash })).contractAddress ?? zeroAddress,
    )
    await client.setBalance({ address: account, value: 10n ** 18n })
    await client.impersonateAccount({ address: account })
    for (const { to, data } of agentModuleCalls({ deployment, account, setup: setupOf() })) {
      const sent = await client.request({
        method: 'eth_sendTransaction',
        params: [{ from: account, to, data }],
      } as never)
      await client.waitForTransactionReceipt({ hash: sent as Hex })
    }
    await fund(account)
    const module = deployment.agents?.module
    if (module === undefined) throw new RangeError('no module')
    expect(
      await client.readContract({
        address: module,
        abi: agentModuleAbi,
        functionName: 'isInitialized',
        args: [account],
      }),
    ).toBe(true)
    const wallet: AgentWallet = { account, hub: module }
    const spend = { currency: currency.address, counterparty: { to: payee } as const, amount: 7n, ref: 1n }
    const before = await balanceOf(account)
    await send(agent, payAsAgent(at(agent), { wallet, spend }))
    expect(await balanceOf(account)).toBe(before - 7n)
    const line = { wallet, agent: address(agent), currency: currency.address }
    expect((await getAgentPolicy(client, line)).budget).toBe(policy.budget - 7n)
    expect(
      await client.readContract({
        address: module,
        abi: agentsAbi,
        functionName: 'ownerOf',
        args: [account],
      }),
    ).toBe(account)
  })
})

describe('error: AgentContractsUnknownError', () => {
  test('a deployment of an earlier version names no contracts of agents', async () => {
    const { agents: _, ...earlier } = chain.deployment
    const deployment: Deployment = earlier
    const parameters = { deployment, owner: address(owner), setup: setupOf(), salt: zeroHash }
    await expect(agentAccountAddress(chain.client, parameters)).rejects.toBeInstanceOf(
      AgentContractsUnknownError,
    )
    await expect(createAgentAccount(at(0), parameters)).rejects.toMatchObject({
      code: 'AGENT_CONTRACTS_UNKNOWN',
    })
    expect(() => agentModuleCalls({ deployment, account: payee, setup: setupOf() })).toThrow(
      AgentContractsUnknownError,
    )
  })
})
