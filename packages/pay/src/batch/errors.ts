import { PaymentRefusedError } from '../seller/errors.ts'
import type { BatchSnapshot } from './batchBook.ts'
import { batchReasons } from './reasons.ts'

/** The voucher does not cover what was charged on the channel and this call. */
export class BatchVoucherTooLowError extends PaymentRefusedError {
  override readonly name = 'BatchVoucherTooLowError'
  static override readonly code = 'BATCH_VOUCHER_TOO_LOW'
  /** Where the channel stands here, so that a payer who lost its state can go on. */
  readonly snapshot: BatchSnapshot
  constructor(options: { promised: bigint; needed: bigint; snapshot: BatchSnapshot }) {
    const { promised, needed, snapshot } = options
    super({
      reason: batchReasons.mismatch,
      message: `The voucher is of ${promised}; ${needed} are needed.`,
    })
    this.snapshot = snapshot
  }
}
