import type { Address, Hash } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'
import type { SignedLoanRelease } from './signLoanRelease.ts'

/** What `drawLoan` takes. */
export interface DrawLoanParameters {
  /** Desk of the facility. */
  readonly desk: Address
  readonly terms: LoanTerms
  /** Base units. */
  readonly amount: bigint
  /** What the underwriter released beyond the first draws, from `signLoanRelease`. */
  readonly release?: SignedLoanRelease
  readonly overrides?: TransactionOverrides
}

/**
 * Draws more on a loan, until the end of its ramp. By the borrower; beyond `firstDraws` with a release of the
 * underwriter.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Desk, terms, amount in base units and release.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await drawLoan(client, { desk, terms: loanTerms, amount: 10_000_000_000n, release })
 */
export function drawLoan(client: WriteClient, parameters: DrawLoanParameters): Promise<Hash> {
  const { desk, terms, amount, release, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'draw',
    args: [terms, amount, release?.total ?? 0n, release?.deadline ?? 0, release?.signature ?? '0x'],
    overrides,
    margin: epochMargin,
  })
}
