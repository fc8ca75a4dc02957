import type { Address, Hash, Hex } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `borrow` takes. */
export interface BorrowParameters {
  /** Desk of the facility. */
  readonly desk: Address
  /** The sender is their borrower. */
  readonly terms: LoanTerms
  /** The underwriter's, from `signLoanTerms`. */
  readonly signature: Hex
  /** First draw in base units; 0 for none. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a loan by the underwriter's signature, and draws. The facility stands in the debt slot of each asset already
 * (`setDebt`). Its id is `hashLoanTerms(terms, { chainId, desk })`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Desk, terms, signature and first draw in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await borrow(client, { desk, terms: loanTerms, signature, amount: 50_000_000_000n })
 */
export function borrow(client: WriteClient, parameters: BorrowParameters): Promise<Hash> {
  const { desk, terms, signature, amount, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'borrow',
    args: [terms, signature, amount],
    overrides,
    margin: epochMargin,
  })
}
