import type { Address, Hash } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/** What `pokeLoan` takes. */
export interface PokeLoanParameters {
  /** Desk of the facility. */
  readonly desk: Address
  readonly terms: LoanTerms
  readonly overrides?: TransactionOverrides
}

/**
 * Settles the tills of a loan that is behind and takes it one step on, for a bounty out of its stake: late, impaired,
 * default. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Desk and terms.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await pokeLoan(client, { desk, terms: loanTerms })
 */
export function pokeLoan(client: WriteClient, parameters: PokeLoanParameters): Promise<Hash> {
  const { desk, terms, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'poke',
    args: [terms],
    overrides,
    margin: epochMargin,
  })
}
