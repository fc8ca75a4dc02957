import type { Address, Hash } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `repayLoan` takes. */
export interface RepayLoanParameters {
  readonly facility: Address
  /** Id of the loan. */
  readonly loan: Hash
  /** Most that is paid, in base units; what is owed at most. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Repays a loan from the sender's account in the till, interest first. Anyone, any time; the facility must be
 * approved there with `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Facility, loan and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await repayLoan(client, { facility, loan, amount })
 */
export function repayLoan(client: WriteClient, parameters: RepayLoanParameters): Promise<Hash> {
  const { facility, loan, amount, overrides } = parameters
  return write(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'repay',
    args: [loan, amount],
    overrides,
  })
}
