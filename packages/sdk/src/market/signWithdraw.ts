import { type Hash, type Hex, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type MarketDomain, marketDomain } from './domain.ts'

const types = {
  Withdraw: [
    { name: 'offer', type: 'bytes32' },
    { name: 'at', type: 'uint40' },
  ],
} as const

/** A wish to hide an offer at gateways: which offer, and when it was wished in Unix seconds. */
export interface Withdrawal {
  readonly offer: Hash
  readonly at: number
}

/**
 * Names a withdrawal: the digest its operator signs.
 *
 * @param withdrawal Offer id and time in Unix seconds.
 * @param domain Chain id and market address of the offer.
 * @returns The EIP-712 digest.
 * @example
 * const digest = hashWithdraw({ offer: id, at: 1_790_000_000 }, domain)
 */
export function hashWithdraw(withdrawal: Withdrawal, domain: MarketDomain): Hash {
  return hashTypedData({
    domain: marketDomain(domain),
    types,
    primaryType: 'Withdraw',
    message: withdrawal,
  })
}

/**
 * Signs the withdrawal of an offer from gateways. It hides the offer; only `cancelOffers` voids it.
 *
 * @param signer The operator's account.
 * @param withdrawal Offer id and time in Unix seconds.
 * @param domain Chain id and market address of the offer.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signWithdraw(operator, { offer: id, at: now }, domain)
 */
export function signWithdraw(signer: Signer, withdrawal: Withdrawal, domain: MarketDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: marketDomain(domain),
    types,
    primaryType: 'Withdraw',
    message: withdrawal,
  })
}
