import type { Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type DeskDomain, deskDomain, termsTypes } from './domain.ts'
import type { LoanTerms } from './loanTerms.ts'

/**
 * Signs the terms of a loan as its underwriter, whose stake takes the first loss. The borrower can open it with this until the
 * terms expire, and what is paid before debt in the tills must still be what they say.
 *
 * @param signer The underwriter that the terms name.
 * @param terms The terms.
 * @param domain Chain id and address of the facility's desk.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signLoanTerms(owner, loanTerms, { chainId, desk })
 */
export function signLoanTerms(signer: Signer, terms: LoanTerms, domain: DeskDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: deskDomain(domain),
    types: termsTypes,
    primaryType: 'Terms',
    message: terms,
  })
}
