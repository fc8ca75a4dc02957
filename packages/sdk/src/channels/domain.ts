import type { Address } from 'viem'

/** Which channels contract a signature is for. A deployment is one. */
export interface ChannelsDomain {
  readonly chainId: number
  readonly channels: Address
}

export const channelTypes = {
  Channel: [
    { name: 'payer', type: 'address' },
    { name: 'signer', type: 'address' },
    { name: 'payee', type: 'address' },
    { name: 'asset', type: 'uint256' },
    { name: 'currency', type: 'address' },
    { name: 'closeDelay', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
} as const

export const voucherTypes = {
  Voucher: [
    { name: 'channel', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'cumulative', type: 'uint128' },
    { name: 'anchor', type: 'bytes32' },
    { name: 'tickPrice', type: 'uint64' },
    { name: 'maxTicks', type: 'uint32' },
    { name: 'terms', type: 'bytes32' },
  ],
} as const

export const openTypes = {
  Open: [
    { name: 'channel', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'amount', type: 'uint128' },
    { name: 'deadline', type: 'uint40' },
  ],
} as const

export const closeTypes = {
  Close: [
    { name: 'channel', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'claimed', type: 'uint128' },
    { name: 'deadline', type: 'uint40' },
  ],
} as const

/** The EIP-712 domain of a channels contract. */
export const channelsDomain = ({ chainId, channels }: ChannelsDomain) =>
  ({ name: 'Millrace Channels', version: '1', chainId, verifyingContract: channels }) as const
