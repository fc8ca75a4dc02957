import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Budget,
  type ChannelWallet,
  createPayingFetch,
  openBudget,
  openChannelWallet,
  type Payment,
} from '@millrace/pay'
import {
  type AssetKind,
  approveCurrency,
  approveModule,
  confirm,
  depositToTill,
  getBalance,
  getChannel,
  hashChannel,
  mintTestDollars,
  openChannel,
  registerAsset,
  registeredAsset,
  topUpChannel,
} from '@millrace/sdk'
import { type Hash, type TransactionReceipt, zeroAddress, zeroHash } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { type Books, openBooks } from './books.ts'
import { DealFailedError } from './errors.ts'
import type { Network } from './startNetwork.ts'

/** One who acts for itself: its key, its folder, its books. */
export interface Agent {
  readonly name: string
  readonly key: `0x${string}`
  readonly account: PrivateKeyAccount
  readonly folder: string
  readonly books: Books
  readonly network: Network
  /** Till balance with which it began, in base units. */
  readonly opening: bigint
  /** Assets that it owns: what their tills pay is its income. */
  readonly assets: Map<string, bigint>
  /** Sends a transaction and waits for it; one after the other, since an account has one next nonce. */
  act(send: (wallet: Wallet) => Promise<Hash>): Promise<TransactionReceipt>
}

export type Wallet = ReturnType<Network['walletOf']>

/**
 * Makes an agent with a new key and money in the till.
 *
 * @param network Where it lives.
 * @param name What it is called.
 * @param money Base units.
 */
export async function createAgent(network: Network, name: string, money: bigint): Promise<Agent> {
  const { deployment, currency, client } = network
  const key = generatePrivateKey()
  const account = privateKeyToAccount(key)
  const folder = join(network.home, 'agents', name)
  await mkdir(folder, { recursive: true })
  const wallet = network.walletOf(account)
  let last: Promise<unknown> = Promise.resolve()
  const act: Agent['act'] = (send) => {
    const next = last.then(async () => confirm(wallet, await send(wallet)))
    last = next.catch(() => {})
    return next
  }
  await network.giveCoins(account.address)
  const terms = { deployment, currency: currency.address, amount: money }
  await act((own) => mintTestDollars(own, { ...terms, to: account.address }))
  await act((own) => approveCurrency(own, terms))
  await act((own) => depositToTill(own, terms))
  for (const module of [deployment.channels, deployment.market])
    await act((own) => approveModule(own, { deployment, module, approved: true }))
  const { till } = await getBalance(client, {
    ...{ deployment, currency: currency.address, account: account.address },
  })
  const books = openBooks(join(folder, 'books.jsonl'))
  return { name, key, account, folder, books, network, opening: till, assets: new Map(), act }
}

/** Registers an asset that the agent owns, and operates with its own key. */
export async function registerOwn(agent: Agent, kind: AssetKind): Promise<bigint> {
  const { deployment, currency } = agent.network
  const owner = agent.account.address
  const device = kind === 'machine' ? owner : zeroAddress
  const terms = { deployment, owner, operator: owner, kind, device, currency: currency.address }
  const receipt = await agent.act((wallet) => registerAsset(wallet, { ...terms, spec: zeroHash, uri: '' }))
  const asset = registeredAsset(receipt)
  if (asset === null) throw new DealFailedError({ what: `The ${kind} of '${agent.name}'`, why: 'no event' })
  agent.assets.set(kind, asset)
  return asset
}

/** An agent's way to pay for calls. */
export interface Purse {
  readonly fetch: typeof globalThis.fetch
  readonly budget: Budget
  readonly channels: ChannelWallet
  close(): Promise<void>
}

/**
 * Opens a budget and channels for an agent; each paid answer becomes a line of its books.
 *
 * @param agent Who pays.
 * @param options What it may spend in all, and lock in one channel, in base units.
 */
export async function openPurse(
  agent: Agent,
  options: { readonly lifetime: bigint; readonly maxDeposit: bigint },
): Promise<Purse> {
  const { network, account, folder } = agent
  const { deployment, currency, client } = network
  const budget = await openBudget({
    path: join(folder, 'budget.jsonl'),
    limits: { lifetime: options.lifetime },
  })
  const channels = await openChannelWallet({
    ...{ path: join(folder, 'channels.jsonl'), deployment, currency, budget, payer: account },
    maxDeposit: options.maxDeposit,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    async fund(channel, amount) {
      const id = hashChannel(channel, deployment)
      const { state } = await getChannel(client, { deployment, channel: id })
      const send = state === 'none' ? openChannel : topUpChannel
      await agent.act((wallet) => send(wallet, { deployment, channel, amount }))
    },
  })
  const onPayment = ({ amount, url, payee }: Payment) =>
    void agent.books.note({ type: 'out', what: 'call', amount, ref: `${payee} ${url}` })
  return {
    fetch: createPayingFetch({ deployment, currency, budget, channels, onPayment }),
    budget,
    channels,
    async close() {
      await channels.close()
      await budget.close()
    },
  }
}
