import type { Address, Hash } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `restoreLoan` takes. */
export interface RestoreLoanParameters {
  readonly facility: Address
  /** Id of the loan. */
  readonly loan: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Lets interest run again on an impaired loan of which nothing is due any more. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Facility and loan.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await restoreLoan(client, { facility, loan })
 */
export function restoreLoan(client: WriteClient, parameters: RestoreLoanParameters): Promise<Hash> {
  const { facility, loan, overrides } = parameters
  return write(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'restore',
    args: [loan],
    overrides,
  })
}
