import type { Address, Hash } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `unstakeFirstLoss` takes. */
export interface UnstakeFirstLossParameters {
  readonly facility: Address
  /** Base units; the free stake at most. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Moves free stake back to the sender's account in the till.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Facility and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await unstakeFirstLoss(client, { facility, amount })
 */
export function unstakeFirstLoss(client: WriteClient, parameters: UnstakeFirstLossParameters): Promise<Hash> {
  const { facility, amount, overrides } = parameters
  return write(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'unstake',
    args: [amount],
    overrides,
  })
}
