import type { Address } from 'viem'

/** Which market a signature is for. */
export interface MarketDomain {
  readonly chainId: number
  readonly market: Address
}

export const offerTypes = {
  Offer: [
    { name: 'asset', type: 'uint256' },
    { name: 'buyer', type: 'address' },
    { name: 'pricePerHour', type: 'uint128' },
    { name: 'bond', type: 'uint128' },
    { name: 'minDuration', type: 'uint40' },
    { name: 'maxDuration', type: 'uint40' },
    { name: 'startWindow', type: 'uint40' },
    { name: 'expiry', type: 'uint40' },
    { name: 'spec', type: 'bytes32' },
    { name: 'terms', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
  ],
} as const

/** The EIP-712 domain of a market. */
export const marketDomain = ({ chainId, market }: MarketDomain) =>
  ({ name: 'Millrace Market', version: '1', chainId, verifyingContract: market }) as const
