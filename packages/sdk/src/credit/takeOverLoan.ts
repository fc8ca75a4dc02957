import type { Address, Hash, Hex } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `takeOverLoan` takes. */
export interface TakeOverLoanParameters {
  /** Desk of the facility that takes over, which stands behind the other in the ranks of each asset. */
  readonly desk: Address
  /** The other facility. */
  readonly from: Address
  /** Id of its loan. */
  readonly loan: Hash
  /** Terms of the new one, whose `ahead` leaves the other facility out; the sender is borrower and owner of the assets. */
  readonly terms: LoanTerms
  /** The underwriter's, from `signLoanTerms`. */
  readonly signature: Hex
  readonly overrides?: TransactionOverrides
}

/**
 * Pays a loan of another facility off with a new one, in one step, and takes its place in the ranks. Borrower; not in default.
 * Everything that `borrow` asks is asked of the new one, of which what was owed there is drawn.
 *
 * @param client A viem client with the borrower's account.
 * @param parameters Desk, the other facility and its loan, new terms and signature.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await takeOverLoan(client, { desk, from: facility, loan, terms: loanTerms, signature })
 */
export function takeOverLoan(client: WriteClient, parameters: TakeOverLoanParameters): Promise<Hash> {
  const { desk, from, loan, terms, signature, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'takeOver',
    args: [from, loan, terms, signature],
    overrides,
    margin: epochMargin,
  })
}
