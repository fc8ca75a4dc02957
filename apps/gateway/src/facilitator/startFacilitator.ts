import { facilitatorHandler, openFacilitator } from '@millrace/pay'
import type { Deployment } from '@millrace/sdk'
import { createPublicClient, defineChain, http, type LocalAccount } from 'viem'
import type { Database } from '../database/Database.ts'
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
}

const pruneEveryMs = 86_400_000

/** A facilitator that runs. */
export interface RunningFacilitator {
  readonly handle: (request: Request) => Promise<Response>
  close(): Promise<void>
}

/** Starts the gateway's facilitator on its chain, its settlements in its database. */
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
  const chain = defineChain({
    id: chainId,
    name: 'The gateway’s chain',
    nativeCurrency: { name: 'Coin', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const client = createPublicClient({
    chain,
    transport: http(rpcUrl, { timeout: rpcTimeoutMs, retryCount: 0 }),
    pollingInterval: pollMs,
  })
  const facilitator = await openFacilitator({
    chains: [
      {
        network: `eip155:${chainId}`,
        client,
        relayer: settings.relayer,
        assets: currencies.map(({ address }) => address),
        timeoutMs: settings.timeoutMs ?? 20_000,
        minimum: settings.minimum ?? 0n,
      },
    ],
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
