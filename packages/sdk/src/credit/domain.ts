import type { Address } from 'viem'

/** Which desk a signature is for. */
export interface DeskDomain {
  readonly chainId: number
  readonly desk: Address
}

export const termsTypes = {
  Terms: [
    { name: 'collateral', type: 'Collateral[]' },
    { name: 'clusters', type: 'bytes32[3]' },
    { name: 'borrower', type: 'address' },
    { name: 'underwriter', type: 'address' },
    { name: 'vendor', type: 'address' },
    { name: 'limit', type: 'uint88' },
    { name: 'firstDraws', type: 'uint88' },
    { name: 'ahead', type: 'uint88' },
    { name: 'rate', type: 'uint24' },
    { name: 'premiumBps', type: 'uint16' },
    { name: 'rampEnd', type: 'uint32' },
    { name: 'maturity', type: 'uint32' },
    { name: 'revenueBps', type: 'uint16' },
    { name: 'dscrBps', type: 'uint16' },
    { name: 'ltvBps', type: 'uint16' },
    { name: 'multipleBps', type: 'uint32' },
    { name: 'coverBps', type: 'uint16' },
    { name: 'obligor', type: 'bytes32' },
    { name: 'expiry', type: 'uint32' },
    { name: 'nonce', type: 'uint256' },
  ],
  Collateral: [
    { name: 'asset', type: 'uint256' },
    { name: 'above', type: 'bytes32' },
  ],
} as const

export const releaseTypes = {
  Release: [
    { name: 'loan', type: 'bytes32' },
    { name: 'total', type: 'uint88' },
    { name: 'deadline', type: 'uint40' },
  ],
} as const

export const appraisalTypes = {
  Appraisal: [
    { name: 'panel', type: 'uint256' },
    { name: 'asset', type: 'uint256' },
    { name: 'value', type: 'uint88' },
    { name: 'asOf', type: 'uint32' },
    { name: 'expiry', type: 'uint32' },
    { name: 'curve', type: 'uint32' },
  ],
} as const

/** The EIP-712 domain of a facility's desk. */
export const deskDomain = ({ chainId, desk }: DeskDomain) =>
  ({ name: 'Millrace Desk', version: '1', chainId, verifyingContract: desk }) as const

/** The EIP-712 domain of the appraisals. */
export const appraisalsDomain = ({ chainId, appraisals }: AppraisalsDomain) =>
  ({ name: 'Millrace Appraisals', version: '1', chainId, verifyingContract: appraisals }) as const

/** Which appraisals a signature is for. */
export interface AppraisalsDomain {
  readonly chainId: number
  readonly appraisals: Address
}
