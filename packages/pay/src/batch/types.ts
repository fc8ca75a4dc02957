import { x402Contracts } from '../x402/contracts.ts'

/** The EIP-712 domain of scheme `batch-settlement` on a chain. */
export const batchDomain = (chainId: number) => ({
  name: 'x402 Batch Settlement',
  version: '1',
  chainId,
  verifyingContract: x402Contracts.batchSettlement,
})

const claimEntry = [
  { name: 'channelId', type: 'bytes32' },
  { name: 'maxClaimableAmount', type: 'uint128' },
  { name: 'totalClaimed', type: 'uint128' },
] as const

/** The EIP-712 types, for signers that want them as data. */
export const batchTypes = {
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
  ],
  Refund: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
    { name: 'amount', type: 'uint128' },
  ],
  ClaimBatch: [{ name: 'claims', type: 'ClaimEntry[]' }],
  ClaimEntry: claimEntry,
} as const

/** What a payer signs to the collector, as EIP-712 of the token. */
export const receiveTypes = {
  ReceiveWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** Bounds of the contract, in seconds. */
export const shortestWithdrawDelay = 900
export const longestWithdrawDelay = 2_592_000
