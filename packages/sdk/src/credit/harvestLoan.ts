import type { Address, Hash } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `harvestLoan` takes. */
export interface HarvestLoanParameters {
  /** Desk of the facility. */
  readonly desk: Address
  readonly terms: LoanTerms
  readonly overrides?: TransactionOverrides
}

/**
 * Frees stake that a loan does not need any more into the underwriter's free stake; all of it, and what the loan
 * counted in concentration, once it is over. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Desk and terms.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await harvestLoan(client, { desk, terms: loanTerms })
 */
export function harvestLoan(client: WriteClient, parameters: HarvestLoanParameters): Promise<Hash> {
  const { desk, terms, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'harvest',
    args: [terms],
    overrides,
  })
}
