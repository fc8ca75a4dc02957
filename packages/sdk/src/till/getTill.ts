import type { Address } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { Upstream } from './upstream.ts'

/** An asset's till as the chain sees it. Amounts in base units of the asset's currency. */
export interface Till {
  /** Revenue collected in the bucket, and the epoch it belongs to. */
  readonly bucket: { readonly epoch: number; readonly amount: bigint }
  readonly currentEpoch: number
  /** Royalties that wait to be pulled. */
  readonly royalties: bigint
  /** Running costs in arrears. */
  readonly costsOwed: bigint
  /** Money that waits for the answer of the debt module. */
  readonly held: bigint
  /** Decaying sum of revenue as of the last epoch that is over. */
  readonly trailingRevenue: bigint
  readonly terms: {
    /** Zero until the till was first used. */
    readonly currency: Address
    readonly costsPerDay: bigint
    readonly costsCap: bigint
    /** Zero for none. */
    readonly debt: Address
    /** Zero for none. */
    readonly shares: Address
    /** Basis points. */
    readonly sharesBps: number
    readonly upstream: readonly Upstream[]
  }
}

/**
 * Reads an asset's till from the chain: what it collected, what it owes, and the terms of its waterfall. What each
 * layer was paid so far is in the till's events; a gateway adds them up.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and id of the asset.
 * @returns The till; amounts in base units.
 * @throws ChainUnreachableError.
 * @example
 * const { bucket, royalties } = await getTill(client, { deployment, asset: 1n })
 */
export async function getTill(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly asset: bigint },
): Promise<Till> {
  const { deployment, asset } = parameters
  const till = { address: deployment.till, abi: tillAbi } as const
  const of = { ...till, args: [asset] } as const
  const [[epoch, amount], currentEpoch, royalties, costsOwed, held, trailingRevenue, terms] =
    await Promise.all([
      read(client, { ...of, functionName: 'bucketOf' }),
      read(client, { ...till, functionName: 'currentEpoch' }),
      read(client, { ...of, functionName: 'royaltiesOf' }),
      read(client, { ...of, functionName: 'costsOwedOf' }),
      read(client, { ...of, functionName: 'heldOf' }),
      read(client, { ...of, functionName: 'trailingRevenueOf' }),
      read(client, { ...of, functionName: 'termsOf' }),
    ])
  return { bucket: { epoch, amount }, currentEpoch, royalties, costsOwed, held, trailingRevenue, terms }
}
