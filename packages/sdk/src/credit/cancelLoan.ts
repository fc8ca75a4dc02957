import type { Address, Hash } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `cancelLoan` takes. */
export interface CancelLoanParameters {
  /** Desk of the facility. */
  readonly desk: Address
  readonly terms: LoanTerms
  readonly overrides?: TransactionOverrides
}

/**
 * Calls a loan off of which nothing is drawn, which frees its assets. Borrower, at any time.
 *
 * @param client A viem client with the borrower's account.
 * @param parameters Desk and terms.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await cancelLoan(client, { desk, terms: loanTerms })
 */
export function cancelLoan(client: WriteClient, parameters: CancelLoanParameters): Promise<Hash> {
  const { desk, terms, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'cancel',
    args: [terms],
    overrides,
  })
}
