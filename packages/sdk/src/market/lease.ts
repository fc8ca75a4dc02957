import type { Address, Hash } from 'viem'

/** Where a lease stands, in the order of the contract. A lease that ran dry is `running` until it is settled. */
export const leaseStates = ['none', 'open', 'running', 'stopped', 'settled'] as const
/** Where a lease stands. */
export type LeaseState = (typeof leaseStates)[number]

/** A lease as the market keeps it. Amounts in base units, times in Unix seconds of the chain. */
export interface Lease {
  readonly id: Hash
  readonly state: Exclude<LeaseState, 'none'>
  readonly asset: bigint
  readonly buyer: Address
  /** Who put up the bond; without a bond the asset's operator as of now. */
  readonly operator: Address
  readonly pricePerHour: bigint
  /** Price of the seconds paid for so far, rounded up. */
  readonly deposit: bigint
  readonly bond: bigint
  /** Last second at which the device can start; 0 once it started. */
  readonly startBy: number
  /** 0 until it started. */
  readonly startedAt: number
  /** First second that is not paid; 0 until it was stopped or settled. */
  readonly stoppedAt: number
  /** First second after those paid for; 0 until it started. */
  readonly endsAt: number
  /** Seconds paid for so far. */
  readonly duration: number
  /** Longest it can become, in seconds. */
  readonly maxDuration: number
}
