import type { Address } from 'viem'
import type { Metered } from './meter.ts'

/** What became of a call that was paid for. */
export interface Charge extends Metered {
  readonly model: string
  readonly route: string
  readonly payer: Address
  /** Base units that were charged: the cost, less what an earlier try under the same idempotency key had paid. */
  readonly charged: bigint
  /** `complete`, or why not all was delivered; `unsettled` where it was delivered and could not be charged. */
  readonly outcome: 'complete' | 'failed' | 'left' | 'unsettled'
}
