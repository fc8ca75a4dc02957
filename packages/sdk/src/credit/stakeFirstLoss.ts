import type { Address, Hash } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `stakeFirstLoss` takes. */
export interface StakeFirstLossParameters {
  readonly facility: Address
  /** Base units. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Moves money from the sender's account in the till into its free stake, which loans lock as they are drawn. The
 * facility must be approved there with `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Facility and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await stakeFirstLoss(client, { facility, amount })
 */
export function stakeFirstLoss(client: WriteClient, parameters: StakeFirstLossParameters): Promise<Hash> {
  const { facility, amount, overrides } = parameters
  return write(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'stake',
    args: [amount],
    overrides,
  })
}
