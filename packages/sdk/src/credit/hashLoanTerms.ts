import { type Hash, hashTypedData } from 'viem'
import { type DeskDomain, deskDomain, termsTypes } from './domain.ts'
import type { LoanTerms } from './loanTerms.ts'

/**
 * Hashes the terms of a loan to its id, which is what its underwriter signs. Needs no chain.
 *
 * @param terms The terms.
 * @param domain Chain id and address of the facility's desk.
 * @returns 32 bytes in hex, equal to `IDesk.hashTerms`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const loan = hashLoanTerms(loanTerms, { chainId, desk })
 */
export function hashLoanTerms(terms: LoanTerms, domain: DeskDomain): Hash {
  return hashTypedData({
    domain: deskDomain(domain),
    types: termsTypes,
    primaryType: 'Terms',
    message: terms,
  })
}
