import { type Address, type Hash, type Hex, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'

/** One upstream asset and its part of the revenue after the fee, in basis points. */
export interface Upstream {
  readonly asset: bigint
  readonly bps: number
}

/** What the owners of upstream assets agree to. */
export interface UpstreamAgreement {
  /** The asset that pays. */
  readonly asset: bigint
  /** All parts, in ascending order of their assets. */
  readonly upstream: readonly Upstream[]
  /** Unix seconds until which the consent can be used. */
  readonly deadline: number
  /** Upper 64 bits: the signer's series; used once. */
  readonly nonce: bigint
}

/** One owner's consent, as `setUpstream` takes it. */
export interface UpstreamConsent {
  readonly deadline: number
  readonly nonce: bigint
  readonly signature: Hex
}

/** Which till a consent is for. */
export interface TillDomain {
  readonly chainId: number
  readonly till: Address
}

const types = {
  Agreement: [
    { name: 'asset', type: 'uint256' },
    { name: 'upstream', type: 'Upstream[]' },
    { name: 'deadline', type: 'uint40' },
    { name: 'nonce', type: 'uint256' },
  ],
  Upstream: [
    { name: 'asset', type: 'uint256' },
    { name: 'bps', type: 'uint16' },
  ],
} as const

const typedData = (agreement: UpstreamAgreement, { chainId, till }: TillDomain) =>
  ({
    domain: { name: 'Millrace Till', version: '1', chainId, verifyingContract: till },
    types,
    primaryType: 'Agreement',
    message: agreement,
  }) as const

/**
 * Names an agreement on upstream parts: the digest its parties sign.
 *
 * @param agreement Asset, parts in basis points, deadline in Unix seconds, nonce.
 * @param domain Chain id and till.
 * @returns The EIP-712 digest, equal to `ITill.hashAgreement`.
 * @example
 * const digest = hashUpstreamAgreement(agreement, deployment)
 */
export function hashUpstreamAgreement(agreement: UpstreamAgreement, domain: TillDomain): Hash {
  return hashTypedData(typedData(agreement, domain))
}

/**
 * Agrees, as the owner of an upstream asset, to the parts that another asset names.
 *
 * @param signer The upstream asset's owner.
 * @param agreement Asset, parts in basis points, deadline in Unix seconds, nonce.
 * @param domain Chain id and till.
 * @returns The consent for `setUpstream`.
 * @example
 * const consent = await signUpstreamConsent(owner, { asset: 3n, upstream, deadline, nonce: 0n }, deployment)
 */
export async function signUpstreamConsent(
  signer: Signer,
  agreement: UpstreamAgreement,
  domain: TillDomain,
): Promise<UpstreamConsent> {
  const signature = await signer.signTypedData(typedData(agreement, domain))
  return { deadline: agreement.deadline, nonce: agreement.nonce, signature }
}
