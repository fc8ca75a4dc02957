import { type Hash, type Hex, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type DeskDomain, deskDomain, releaseTypes } from './domain.ts'

/** How much may be drawn on a loan in all. */
export interface LoanRelease {
  /** Id of the loan. */
  readonly loan: Hash
  /** Base units, earlier draws included. */
  readonly total: bigint
  /** Last second at which it can be used. */
  readonly deadline: number
}

/** A release with the underwriter's signature. */
export interface SignedLoanRelease extends LoanRelease {
  readonly signature: Hex
}

/**
 * Hashes a release to what the underwriter signs. Needs no chain.
 *
 * @param release The release.
 * @param domain Chain id and address of the facility's desk.
 * @returns 32 bytes in hex, equal to `IDesk.hashRelease`.
 * @example
 * const digest = hashLoanRelease(release, { chainId, desk })
 */
export function hashLoanRelease(release: LoanRelease, domain: DeskDomain): Hash {
  const { loan, total, deadline } = release
  return hashTypedData({
    domain: deskDomain(domain),
    types: releaseTypes,
    primaryType: 'Release',
    message: { loan, total, deadline },
  })
}

/**
 * Signs, as the underwriter of a loan, how much may be drawn on it in all.
 *
 * @param signer The underwriter that the terms name.
 * @param release The loan, the total in base units, and the last second.
 * @param domain Chain id and address of the facility's desk.
 * @returns The release with its signature.
 * @example
 * const release = await signLoanRelease(owner, { loan, total: 90_000_000_000n, deadline }, { chainId, desk })
 */
export async function signLoanRelease(
  signer: Signer,
  release: LoanRelease,
  domain: DeskDomain,
): Promise<SignedLoanRelease> {
  const { loan, total, deadline } = release
  const message = { loan, total, deadline }
  const signature = await signer.signTypedData({
    domain: deskDomain(domain),
    types: releaseTypes,
    primaryType: 'Release',
    message,
  })
  return { ...message, signature }
}
