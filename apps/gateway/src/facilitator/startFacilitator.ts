import { facilitatorHandler, openFacilitator } from '@millrace/pay'
import type { Deployment } from '@millrace/sdk'
import {
  type Address,
  createPublicClient,
  defineChain,
  http,
  type LocalAccount,
  type PublicClient,
} from 'viem'
import type { Database } from '../database/Database.ts'
import { UsageWrong } from '../errors/UsageWrong.ts'
import { openSettlementTable } from './openSettlementTable.ts'
import { pruneSettlements } from './pruneSettlements.ts'
import { resourceTable } from './resourceTable.ts'

/** How a gateway settles payments of x402. */
export interface FacilitatorSettings {
  /** Pays the gas of each settlement; it must send transactions from nowhere else. */
  readonly relayer: LocalAccount
  /** How long a settlement is waited for before it is answered as pending, in milliseconds. @default 20000 */
  readonly timeoutMs?: number
  /** Least payment that is settled, in base units. @default 0n */
  readonly minimum?: bigint
  /** Chains beside the gateway's own. */
  readonly chains?: readonly SettlementChain[]
}

/** A chain on which payments are settled, and nothing else is done. */
export interface SettlementChain {
  /** EIP-155 chain id. */
  readonly chainId: number
  readonly rpcUrl: string
  /** The tokens it settles in; no others, for a transfer of them costs the relayer's gas. */
  readonly assets: readonly Address[]
}

const pruneEveryMs = 86_400_000

/** A facilitator that runs. */
export interface RunningFacilitator {
  readonly handle: (request: Request) => Promise<Response>
  close(): Promise<void>
}

/**
 * Starts the gateway's facilitator on its chain and those that the settings name, its settlements in its database.
 *
 * @throws UsageWrong for a chain that is named twice, and where an RPC serves another chain than was said
 */
export async function startFacilitator(
  settings: FacilitatorSettings,
  options: {
    readonly database: Database
    readonly deployment: Deployment
    readonly rpcUrl: string
    readonly rpcTimeoutMs: number
    readonly pollMs: number
    readonly now: () => number
  },
): Promise<RunningFacilitator> {
  const { database, deployment, rpcUrl, rpcTimeoutMs, pollMs, now } = options
  const { chainId, currencies } = deployment
  const own = { chainId, rpcUrl, assets: currencies.map(({ address }) => address) }
  const others = settings.chains ?? []
  const chains = [own, ...others].map((chain) => ({
    ...chain,
    client: createPublicClient({
      chain: defineChain({
        id: chain.chainId,
        name: `Chain ${chain.chainId}`,
        nativeCurrency: { name: 'Coin', symbol: 'ETH', decimals: 18 },
        rpcUrls: { default: { http: [chain.rpcUrl] } },
      }),
      transport: http(chain.rpcUrl, { timeout: rpcTimeoutMs, retryCount: 0 }),
      pollingInterval: pollMs,
    }),
  }))
  const ids = new Set(chains.map((chain) => chain.chainId))
  if (ids.size < chains.length) throw new UsageWrong('two chains for x402 settlements have the same id')
  await Promise.all(chains.slice(1).map(requireServed))
  const facilitator = await openFacilitator({
    chains: chains.map(({ chainId, client, assets }) => ({
      ...{ network: `eip155:${chainId}`, client, assets, relayer: settings.relayer },
      timeoutMs: settings.timeoutMs ?? 20_000,
      minimum: settings.minimum ?? 0n,
    })),
    journal: await openSettlementTable(database, { now }),
    now,
  })
  // What it misses is pruned the next day.
  const pruning = setInterval(
    () => void pruneSettlements(database, now()).catch(() => undefined),
    pruneEveryMs,
  )
  pruning.unref()
  const handle = facilitatorHandler({ facilitator, catalogue: resourceTable(database, { now }) })
  const close = () => {
    clearInterval(pruning)
    return facilitator.close()
  }
  return { handle, close }
}

/** One that does not answer now may later, and the others settle meanwhile. */
async function requireServed({
  chainId,
  client,
}: {
  readonly chainId: number
  readonly client: PublicClient
}) {
  const seen = await client.getChainId().catch(() => chainId)
  if (seen !== chainId)
    throw new UsageWrong(`the RPC for x402 settlements on chain ${chainId} serves chain ${seen}`)
}
