import type { Address } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { auctionAbi } from '../generated/auction.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** A lot of the auction as it stands. Amounts in base units, times in Unix seconds. */
export interface Lot {
  readonly startPrice: bigint
  readonly startedAt: number
  /** Seconds in which the price halves. */
  readonly halfLife: number
  /** How often it was started. */
  readonly runs: number
  /** The price at this second. */
  readonly price: bigint
}

/**
 * Reads a lot of the auction.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, seller and asset.
 * @returns The lot with its price now, or `null` if there is none.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lot = await getLot(client, { deployment, seller: facility, asset })
 */
export async function getLot(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly seller: Address; readonly asset: bigint },
): Promise<Lot | null> {
  const { deployment, seller, asset } = parameters
  const of = { address: creditOf(deployment).auction, abi: auctionAbi, args: [seller, asset] } as const
  const lot = await read(client, { ...of, functionName: 'lotOf' })
  if (lot.startPrice === 0n) return null
  return { ...lot, price: await read(client, { ...of, functionName: 'priceOf' }) }
}
