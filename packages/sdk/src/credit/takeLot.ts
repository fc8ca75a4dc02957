import { type Address, type Hash, parseEventLogs, type TransactionReceipt } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { auctionAbi } from '../generated/auction.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `takeLot` takes. */
export interface TakeLotParameters {
  readonly deployment: Deployment
  /** The facility that sells. */
  readonly seller: Address
  readonly asset: bigint
  /** Most that is paid, in base units. */
  readonly maxPrice: bigint
  /** Who gets the asset. Default: the sender. */
  readonly to?: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Buys an asset at the price of this second, from the sender's account in the till, where the auction must be
 * approved with `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, seller, asset, most that is paid in base units, and receiver.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await takeLot(client, { deployment, seller: facility, asset, maxPrice: 90_000_000_000n })
 */
export function takeLot(client: WriteClient, parameters: TakeLotParameters): Promise<Hash> {
  const { deployment, seller, asset, maxPrice, to = client.account.address, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).auction,
    abi: auctionAbi,
    functionName: 'take',
    args: [seller, asset, maxPrice, to],
    overrides,
    margin: epochMargin,
  })
}

/**
 * Reads which lot a transaction took, and at which price.
 *
 * @param receipt Receipt of `takeLot`, from `confirm`.
 * @returns Seller, asset, who got it, who paid, and what in base units; `null` if the transaction took none.
 * @example
 * const lot = takenLot(await confirm(client, await takeLot(client, { deployment, seller: facility, asset, maxPrice: 90_000_000_000n })))
 */
export function takenLot(receipt: TransactionReceipt): {
  readonly seller: Address
  readonly asset: bigint
  readonly to: Address
  readonly taker: Address
  readonly price: bigint
} | null {
  const [taken] = parseEventLogs({ abi: auctionAbi, eventName: 'AuctionTaken', logs: receipt.logs })
  return taken?.args ?? null
}
