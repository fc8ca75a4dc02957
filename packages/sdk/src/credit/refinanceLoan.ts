import type { Address, Hash, Hex } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `refinanceLoan` takes. */
export interface RefinanceLoanParameters {
  /** Desk of the facility of both loans. */
  readonly desk: Address
  /** Terms of the loan that is paid off. */
  readonly old: LoanTerms
  /** Terms of the new one; the sender is borrower of both. */
  readonly terms: LoanTerms
  /** The underwriter's of the new terms, from `signLoanTerms`. */
  readonly signature: Hex
  readonly overrides?: TransactionOverrides
}

/**
 * Pays a loan off with a new one of the same facility, in one step and without money in between: what was owed is drawn of the new one.
 * Borrower; not in default. Everything that `borrow` asks is asked of the new one.
 *
 * @param client A viem client with the borrower's account.
 * @param parameters Desk, terms of both loans, and signature.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await refinanceLoan(client, { desk, old: loanTerms, terms: { ...loanTerms, rate: 90_000 }, signature })
 */
export function refinanceLoan(client: WriteClient, parameters: RefinanceLoanParameters): Promise<Hash> {
  const { desk, old, terms, signature, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'refinance',
    args: [old, terms, signature],
    overrides,
    margin: epochMargin,
  })
}
