import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setShares` takes. */
export interface SetSharesParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** The account; the zero address to clear. */
  readonly shares: Address
  /** Basis points; 10 000 is everything. */
  readonly bps: number
  readonly overrides?: TransactionOverrides
}

/**
 * Fills or clears the shares slot: a part of what is left after debt goes to its account.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset, account and part in basis points.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setShares(client, { deployment, asset: 1n, shares, bps: 2_000 })
 */
export function setShares(client: WriteClient, parameters: SetSharesParameters): Promise<Hash> {
  const { deployment, asset, shares, bps, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'setShares',
    args: [asset, shares, bps],
    overrides,
  })
}
