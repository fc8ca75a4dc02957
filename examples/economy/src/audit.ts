import { getAsset, getBalance, getTill, tillAbi } from '@millrace/sdk'
import { type Address, erc20Abi, getAddress } from 'viem'
import type { Agent } from './createAgent.ts'
import type { Network } from './startNetwork.ts'

/** What one agent began with, took in, spent, and has. Base units. */
export interface AgentAccount {
  readonly agent: string
  readonly opening: bigint
  readonly income: bigint
  readonly spending: bigint
  /** What the chain says that it has. */
  readonly closing: bigint
  readonly agrees: boolean
}

/** What was paid into one till, by the chain and by the books of those who paid. Base units. */
export interface AssetAccount {
  readonly asset: bigint
  readonly kind: string
  readonly owner: string
  /** By the chain's events. */
  readonly received: bigint
  /** By the books of all agents. */
  readonly booked: bigint
  /** What is still in it. */
  readonly left: bigint
  readonly agrees: boolean
}

/** Every unit of the currency that is in the till. */
export interface Audit {
  readonly agents: readonly AgentAccount[]
  readonly assets: readonly AssetAccount[]
  /** Accounts that are no agents': the operator of this machine's node, the fee account. */
  readonly others: readonly { readonly name: string; readonly closing: bigint }[]
  /** All accounts, buckets, royalties and money held for debt. */
  readonly owed: bigint
  /** Tokens that the till holds. */
  readonly held: bigint
  /** Still locked in leases and channels, which are over: must be nothing. */
  readonly locked: bigint
  readonly agrees: boolean
}

/**
 * Adds up everything, from the agents' books and from the chain, which must say the same.
 *
 * @param network Where they lived.
 * @param agents All of them.
 */
export async function audit(network: Network, agents: readonly Agent[]): Promise<Audit> {
  const { deployment, currency, client } = network
  const balanceOf = async (account: Address) =>
    (await getBalance(client, { deployment, currency: currency.address, account })).till
  const lines = new Map(
    await Promise.all(agents.map(async (each) => [each, await each.books.read()] as const)),
  )
  const sum = (agent: Agent, type: 'in' | 'out', keep: (ref: string) => boolean = () => true) =>
    (lines.get(agent) ?? [])
      .filter((line) => line.type === type && keep(line.ref))
      .reduce((total, { amount }) => total + amount, 0n)

  const agentAccounts = await Promise.all(
    agents.map(async (agent): Promise<AgentAccount> => {
      const [income, spending] = [sum(agent, 'in'), sum(agent, 'out')]
      const closing = await balanceOf(agent.account.address)
      const agrees = agent.opening + income - spending === closing
      return { agent: agent.name, opening: agent.opening, income, spending, closing, agrees }
    }),
  )

  const events = await client.getContractEvents({
    ...{ address: deployment.till, abi: tillAbi, fromBlock: 0n, toBlock: 'latest' },
  })
  const paid = new Map<bigint, bigint>()
  const accounts = new Set<Address>()
  const assets = new Set<bigint>()
  for (const event of events) {
    if (event.eventName === 'Transfer' && event.args.receiver !== undefined)
      accounts.add(getAddress(event.args.receiver))
    if (event.eventName === 'RoyaltyAccrued' && event.args.upstream !== undefined)
      assets.add(event.args.upstream)
    if (event.eventName !== 'Paid' || event.args.asset === undefined) continue
    assets.add(event.args.asset)
    paid.set(event.args.asset, (paid.get(event.args.asset) ?? 0n) + (event.args.amount ?? 0n))
  }
  const nameOf = (address: Address) =>
    agents.find(({ account }) => account.address === address)?.name ?? 'the node’s operator'
  const assetAccounts = await Promise.all(
    [...assets]
      .sort((a, b) => Number(a - b))
      .map(async (asset): Promise<AssetAccount> => {
        const registered = await getAsset(client, { deployment, asset })
        const { bucket, royalties, held } = await getTill(client, { deployment, asset })
        const received = paid.get(asset) ?? 0n
        const booked = agents.reduce(
          (total, agent) => total + sum(agent, 'out', (ref) => ref.startsWith(`asset:${asset} `)),
          0n,
        )
        const left = bucket.amount + royalties + held
        const kind = registered?.kind ?? 'unknown'
        const owner = registered === null ? '' : nameOf(registered.owner)
        return { asset, kind, owner, received, booked, left, agrees: received === booked }
      }),
  )

  const fee = await client.readContract({
    address: deployment.till,
    abi: tillAbi,
    functionName: 'feeAccount',
  })
  const known = new Map<Address, string>([
    ...agents.map(({ account, name }) => [account.address, name] as const),
    [getAddress(fee), 'the fee account'],
  ])
  const modules = [getAddress(deployment.market), getAddress(deployment.channels)]
  let locked = 0n
  let owed = assetAccounts.reduce((total, { left }) => total + left, 0n)
  const others: { name: string; closing: bigint }[] = []
  for (const account of accounts) {
    const closing = await balanceOf(account)
    owed += closing
    if (modules.includes(account)) locked += closing
    else if (agents.every((agent) => agent.account.address !== account) && closing > 0n)
      others.push({ name: known.get(account) ?? 'the node’s operator', closing })
  }
  const held = await client.readContract({
    ...{ address: currency.address, abi: erc20Abi, functionName: 'balanceOf', args: [deployment.till] },
  })
  const agrees =
    owed === held && locked === 0n && [...agentAccounts, ...assetAccounts].every((each) => each.agrees)
  return { agents: agentAccounts, assets: assetAccounts, others, owed, held, locked, agrees }
}
