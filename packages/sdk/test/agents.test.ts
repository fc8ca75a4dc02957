import { type Hex, zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentsAbi } from '../src/generated/agents.ts'
import {
  type AgentEvent,
  type AgentPolicy,
  type AgentSetup,
  agentAccountAddress,
  agentContracts,
  agentPolicySchema,
  announceAgentPolicy,
  approveCurrency,
  type Channel,
  confirm,
  counterpartyOf,
  createAgentAccount,
  depositToTill,
  fundChannelAsAgent,
  getAgentBudget,
  getAgentPolicy,
  getBalance,
  getExposure,
  hashApproval,
  hashOffer,
  InvalidInputError,
  openLeaseAsAgent,
  parse,
  pauseAgent,
  payAsAgent,
  RevertError,
  registerAsset,
  registeredAsset,
  serviceHash,
  setAgentPolicy,
  signApproval,
  signOffer,
  tightenAgentPolicy,
  unpauseAgent,
  watchAgents,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())

const [owner, guardian, agent] = [1, 2, 3]
const address = (index: number) => accountAt(index).address
const payee = '0x00000000000000000000000000000000000000fe'
const service = serviceHash('https://api.example/v1/ask?x=1', 'post')
const send = async (index: number, hash: Promise<Hex>) => confirm(chain.walletOf(index), await hash)

const policy: AgentPolicy = {
  perPayment: 50n,
  perPeriod: 100n,
  perCounterparty: 80n,
  budget: 1_000n,
  approveAbove: 40n,
  period: 86_400,
  start: 0,
  end: 2 ** 40 - 1,
  anyCounterparty: false,
  anyService: false,
  float: zeroAddress,
  floatPerPeriod: 0n,
}

async function made(salt: Hex) {
  const { deployment, currency } = chain
  const setup: AgentSetup = {
    guardian: address(guardian),
    delay: 3_600,
    grants: [
      {
        agent: address(agent),
        currency: currency.address,
        policy,
        counterparties: [counterpartyOf({ to: payee })],
        services: [service],
      },
    ],
  }
  const parameters = { deployment, owner: address(owner), setup, salt }
  const account = await agentAccountAddress(chain.client, parameters)
  const wallet = { account }
  await send(0, createAgentAccount(chain.walletOf(0), parameters))
  await send(
    owner,
    approveCurrency(chain.walletOf(owner), { deployment, currency: currency.address, amount: 1_000n }),
  )
  await send(
    owner,
    depositToTill(chain.walletOf(owner), {
      deployment,
      currency: currency.address,
      amount: 1_000n,
      to: account,
    }),
  )
  const spend = (amount: bigint, ref: bigint) => ({
    currency: currency.address,
    counterparty: { to: payee } as const,
    amount,
    service,
    ref,
  })
  const line = { wallet, agent: address(agent), currency: currency.address }
  return { account, wallet, spend, line, currency: currency.address, deployment }
}

describe('default', () => {
  test('an agent pays within its policy, and its guardian stops it', async () => {
    const { wallet, spend, line, deployment } = await made(zeroHash)
    await send(agent, payAsAgent(chain.walletOf(agent), { wallet, spend: spend(30n, 1n) }))
    const left = await getAgentBudget(chain.client, { ...line, counterparty: { to: payee } })
    expect(left).toMatchObject({ perPayment: 50n, counterparty: 50n, period: 70n, budget: 970n })
    const channel: Channel = {
      payer: wallet.account,
      signer: line.agent,
      payee,
      asset: 0n,
      currency: line.currency,
      closeDelay: 900,
      salt: zeroHash,
    }
    const funding = { wallet, channel, amount: 20n, service, ref: 2n }
    await send(agent, fundChannelAsAgent(chain.walletOf(agent), funding))
    const exposed = { ...line, deployment, channels: [channel, channel], leases: [] }
    expect(await getExposure(chain.client, exposed)).toBe(20n)
    await send(
      guardian,
      pauseAgent(chain.walletOf(guardian), { wallet, agent: line.agent, channels: [channel] }),
    )
    const refused = payAsAgent(chain.walletOf(agent), { wallet, spend: spend(1n, 3n) })
    await expect(refused).rejects.toMatchObject({ code: 'AGENT_PAUSED' })
    await send(owner, unpauseAgent(chain.walletOf(owner), { wallet, agent: line.agent }))
    await send(agent, payAsAgent(chain.walletOf(agent), { wallet, spend: spend(1n, 3n) }))
    expect(
      await getBalance(chain.client, { deployment, account: payee, currency: line.currency }),
    ).toMatchObject({
      till: 31n,
    })
  })

  test('an agent hires within its policy', async () => {
    const { wallet, line, deployment, currency } = await made(`0x${'04'.repeat(32)}`)
    const receipt = await send(
      owner,
      registerAsset(chain.walletOf(owner), {
        deployment,
        owner: address(owner),
        operator: address(owner),
        kind: 'machine',
        device: address(4),
        currency,
        spec: zeroHash,
        uri: 'ipfs://machine',
      }),
    )
    const asset = registeredAsset(receipt)
    if (asset === null) throw new RangeError('nothing was registered')
    const offer = {
      asset,
      buyer: zeroAddress,
      pricePerHour: 600n,
      bond: 0n,
      minDuration: 60,
      maxDuration: 3_600,
      startWindow: 60,
      expiry: 2 ** 40 - 1,
      spec: zeroHash,
      terms: zeroHash,
      nonce: 0n,
    }
    const signature = await signOffer(accountAt(owner), offer, deployment)
    const open = () =>
      openLeaseAsAgent(chain.walletOf(agent), { wallet, offer, signature, duration: 60, ref: 1n })
    await expect(open()).rejects.toMatchObject({ code: 'COUNTERPARTY_NOT_ALLOWED' })
    const free = { ...line, policy: { ...policy, anyCounterparty: true, anyService: true } }
    await send(owner, announceAgentPolicy(chain.walletOf(owner), free))
    await chain.client.increaseTime({ seconds: 3_601 })
    await chain.client.mine({ blocks: 1 })
    await send(owner, setAgentPolicy(chain.walletOf(owner), free))
    await send(agent, open())
    const lease = hashOffer(offer, deployment)
    const exposed = { ...line, deployment, channels: [], leases: [lease] }
    expect(await getExposure(chain.client, exposed)).toBe(10n)
  })

  test('above the threshold the guardian signs', async () => {
    const { wallet, spend, line, deployment } = await made(`0x${'01'.repeat(32)}`)
    const expiry = 2 ** 40 - 1
    const request = {
      chainId: deployment.chainId,
      wallet,
      agent: line.agent,
      kind: 'payment',
      spend: spend(41n, 1n),
      expiry,
    } as const
    expect(hashApproval(request)).toBe(
      await chain.client.readContract({
        address: wallet.account,
        abi: agentsAbi,
        functionName: 'hashApproval',
        args: [
          wallet.account,
          line.agent,
          0,
          { currency: line.currency, to: payee, asset: 0n, amount: 41n, service, ref: 1n },
          expiry,
        ],
      }),
    )
    const bare = payAsAgent(chain.walletOf(agent), { wallet, spend: spend(41n, 1n) })
    await expect(bare).rejects.toBeInstanceOf(RevertError)
    const approval = await signApproval(accountAt(guardian), request)
    await send(agent, payAsAgent(chain.walletOf(agent), { wallet, spend: spend(41n, 1n), approval }))
  })

  test('a policy tightens at once and loosens after its delay', async () => {
    const { line } = await made(`0x${'02'.repeat(32)}`)
    const tight = { ...line, policy: { ...policy, perPayment: 10n } }
    await send(owner, tightenAgentPolicy(chain.walletOf(owner), tight))
    expect((await getAgentPolicy(chain.client, line)).perPayment).toBe(10n)
    const wide = { ...line, policy: { ...policy, perPayment: 60n } }
    await send(owner, announceAgentPolicy(chain.walletOf(owner), wide))
    await expect(setAgentPolicy(chain.walletOf(owner), wide)).rejects.toMatchObject({
      code: 'CHANGE_TOO_EARLY',
    })
    await chain.client.increaseTime({ seconds: 3_601 })
    await chain.client.mine({ blocks: 1 })
    await send(owner, setAgentPolicy(chain.walletOf(owner), wide))
    expect(await getAgentPolicy(chain.client, line)).toEqual(wide.policy)
  })

  test('what an agent spends is watched', async () => {
    const { wallet, spend } = await made(`0x${'03'.repeat(32)}`)
    const seen: AgentEvent[] = []
    const stop = watchAgents(chain.client, {
      wallet,
      fromBlock: 0n,
      interval: 20,
      onEvents: (events) => {
        seen.push(...events)
      },
    })
    await send(agent, payAsAgent(chain.walletOf(agent), { wallet, spend: spend(7n, 9n) }))
    await expect
      .poll(() => seen.find(({ type }) => type === 'spent'), { timeout: 60_000 })
      .toMatchObject({
        kind: 'payment',
        amount: 7n,
        ref: 9n,
        budget: 993n,
        counterparty: counterpartyOf({ to: payee }),
      })
    stop()
  })
})

describe('behavior: the code of an EIP-7702 account', () => {
  test('a key lets its own account run the delegate', async () => {
    const { deployment, currency } = chain
    const key = chain.walletOf(4)
    const authorization = await key.signAuthorization({
      contractAddress: agentContracts(deployment).delegate,
      executor: 'self',
    })
    const setup = {
      guardian: address(guardian),
      delay: 0,
      grants: [
        {
          agent: address(agent),
          currency: currency.address,
          policy,
          counterparties: [counterpartyOf({ to: payee })],
          services: [service],
        },
      ],
    }
    const hash = await key.writeContract({
      address: key.account.address,
      abi: agentsAbi,
      functionName: 'setUp',
      args: [key.account.address, setup],
      authorizationList: [authorization],
    })
    await confirm(key, hash)
    const line = {
      wallet: { account: key.account.address },
      agent: address(agent),
      currency: currency.address,
    }
    expect(await getAgentPolicy(chain.client, line)).toEqual(policy)
    await send(4, approveCurrency(key, { deployment, currency: currency.address, amount: 100n }))
    await send(4, depositToTill(key, { deployment, currency: currency.address, amount: 100n }))
    await send(
      agent,
      payAsAgent(chain.walletOf(agent), {
        wallet: line.wallet,
        spend: { currency: line.currency, counterparty: { to: payee }, amount: 5n, service, ref: 1n },
      }),
    )
    const left = await getAgentBudget(chain.client, { ...line, counterparty: { to: payee } })
    expect(left.budget).toBe(995n)
  })
})

describe('error: InvalidInputError', () => {
  test('a policy in JSON is read, and one with an amount of 89 bits is not', () => {
    const amounts = {
      perPayment: '50',
      perPeriod: '100',
      perCounterparty: '80',
      budget: '1000',
      approveAbove: '40',
      floatPerPeriod: '0',
    }
    expect(parse(agentPolicySchema, { ...policy, ...amounts }, 'policy')).toEqual(policy)
    const tooLarge = { ...policy, ...amounts, budget: (2n ** 88n).toString() }
    expect(() => parse(agentPolicySchema, tooLarge, 'policy')).toThrow(InvalidInputError)
  })
})
