import { type Address, getAddress, parseEventLogs } from 'viem'
import { getBlockNumber } from 'viem/actions'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { auctionAbi } from '../generated/auction.ts'
import { readLogs } from '../transactions/readLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import { getLot, type Lot } from './getLot.ts'

/** A lot that is open, with who sells what. */
export interface OpenLot extends Lot {
  readonly seller: Address
  readonly asset: bigint
}

/** What `findLots` takes. */
export interface FindLotsParameters {
  readonly deployment: Deployment
  /**
   * Facilities whose lots are wanted, such as those that the till lists. Anyone can sell through the auction, and only a seller that
   * you know is sure to deliver what was paid for.
   */
  readonly sellers: readonly Address[]
  /** First block to look at. Default: 0. */
  readonly fromBlock?: bigint
}

/**
 * Finds the lots of some facilities that are open, runs that nobody took among them.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, sellers, first block.
 * @returns The lots with their price now, in the order in which they were first offered.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lots = await findLots(client, { deployment, sellers: [facility] })
 */
export async function findLots(
  client: ReadClient,
  parameters: FindLotsParameters,
): Promise<readonly OpenLot[]> {
  const { deployment, fromBlock = 0n } = parameters
  const sellers = new Set(parameters.sellers.map((seller) => getAddress(seller)))
  const toBlock = await getBlockNumber(client, { cacheTime: 0 }).catch((error: unknown) => {
    throw decodeRevert(error)
  })
  const logs = await readLogs(client, { address: [creditOf(deployment).auction], fromBlock, toBlock })
  const open = new Map<string, { readonly seller: Address; readonly asset: bigint }>()
  for (const { eventName, args } of parseEventLogs({ abi: auctionAbi, logs: [...logs] })) {
    const { seller, asset } = args
    const key = `${seller} ${asset}`
    if (eventName !== 'AuctionStarted') open.delete(key)
    else if (sellers.has(seller) && !open.has(key)) open.set(key, { seller, asset })
  }
  const lots = await Promise.all(
    [...open.values()].map(async (of) => ({ of, lot: await getLot(client, { deployment, ...of }) })),
  )
  return lots.flatMap(({ of, lot }) => (lot === null ? [] : [{ ...of, ...lot }]))
}
