import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Currency, type Deployment, deploymentSchema, parse } from '@millrace/sdk'
import {
  type Account,
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
} from 'viem'
import * as z from 'zod'
import { DealFailedError } from './errors.ts'
import { type Millrace, millraceIn } from './millrace.ts'

const readySchema = z.object({ ready: z.literal(true), chainId: z.number(), rpc: z.url() })

/** A local network of its own: chain, contracts, gateway, and a node that hires this machine out. */
export interface Network {
  readonly home: string
  readonly millrace: Millrace
  readonly deployment: Deployment
  readonly currency: Currency
  readonly client: ReturnType<typeof clientsOf>['client']
  walletOf(account: Account): ReturnType<ReturnType<typeof clientsOf>['walletOf']>
  /** Gives an account coins for its transactions. */
  giveCoins(address: Address): Promise<void>
  stop(): Promise<void>
}

/**
 * Brings up the local network with `millrace up`, on free ports.
 *
 * @param home Folder for all that it keeps.
 * @throws CommandFailedError
 */
export async function startNetwork(home: string): Promise<Network> {
  const millrace = millraceIn(home)
  const [printed] = await millrace(['up', '--detach', '--chain-port', '0', '--gateway-port', '0'])
  const { rpc, chainId } = parse(readySchema, printed, 'up')
  const file = await readFile(join(home, 'network/deployment.json'), 'utf8')
  const deployment = parse(deploymentSchema, JSON.parse(file), 'deployment')
  const [currency] = deployment.currencies
  if (currency === undefined) throw new DealFailedError({ what: 'The network', why: 'it has no currency' })
  const { client, walletOf } = clientsOf(rpc, chainId)
  return {
    ...{ home, millrace, deployment, currency, client, walletOf },
    async giveCoins(address) {
      const amount: Hex = `0x${(10n ** 19n).toString(16)}`
      await client.request<{ Method: 'anvil_setBalance'; Parameters: [Address, Hex]; ReturnType: null }>({
        method: 'anvil_setBalance',
        params: [address, amount],
      })
    },
    async stop() {
      await millrace(['down'])
    },
  }
}

function clientsOf(rpc: string, chainId: number) {
  const chain = defineChain({
    id: chainId,
    name: 'Millrace local',
    nativeCurrency: { name: 'Coin', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  })
  const options = { chain, transport: http(rpc), pollingInterval: 50, cacheTime: 0 } as const
  return {
    client: createPublicClient(options),
    walletOf: (account: Account) => createWalletClient({ ...options, account }),
  }
}
