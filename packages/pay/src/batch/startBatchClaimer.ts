import type { Signer } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import {
  type Claimed,
  type Claimer,
  type ClaimFailed,
  type ClaimPace,
  failureOf,
  startClaiming,
} from '../ledger/startClaiming.ts'
import { PaymentRefusedError } from '../seller/errors.ts'
import type { ExactCurrency } from '../seller/exactScheme.ts'
import type { PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { type BatchBook, claimable } from './batchBook.ts'
import type { BatchLedger } from './openBatchLedger.ts'
import { claimOfBook, claimOrder, orderOf, signClaims } from './orders.ts'
import { batchReasons } from './reasons.ts'

/** What happened to claims on channels of `batch-settlement`. */
export type BatchClaimEvent =
  | Claimed
  | { readonly event: 'settled'; readonly transaction: string }
  | ClaimFailed

/** When and how vouchers are claimed. */
export interface BatchClaimerOptions extends ClaimPace {
  readonly ledger: BatchLedger
  readonly currency: ExactCurrency
  /** Sends the claims. */
  readonly facilitator: Pick<Facilitator, 'settle'>
  /** As in `batchScheme`. */
  readonly authorizer: Signer
  readonly onEvent?: (event: BatchClaimEvent) => void
}

/**
 * Claims what was charged on channels of `batch-settlement` when it is worth the gas, and at once where a payer is about to leave; then
 * has it sent to the receiver. Claims name what is due in all, so one that is sent twice, or whose answer is lost, counts once.
 *
 * @param options Ledger, currency, who sends and who agrees, cost of a claim, pace.
 * @returns The claimer, at work.
 * @example
 * const claimer = startBatchClaimer({ ledger, currency, facilitator, authorizer })
 */
export function startBatchClaimer(options: BatchClaimerOptions): Claimer {
  const { currency, facilitator, authorizer } = options
  const { network, asset, payTo, name, version } = currency
  const onEvent = options.onEvent ?? (() => {})
  const requirements: PaymentRequirements = {
    ...{ scheme: 'batch-settlement', network, asset, amount: '0', payTo, maxTimeoutSeconds: 60 },
    extra: { name, version },
  }

  async function order(payload: Readonly<Record<string, unknown>>): Promise<SettleResponse> {
    const settled = await facilitator.settle(orderOf(requirements, payload), requirements)
    if (settled.success) return settled
    const { errorReason = batchReasons.claimTransaction, errorMessage } = settled
    throw new PaymentRefusedError({
      reason: errorReason,
      ...(errorMessage === undefined ? {} : { message: errorMessage }),
    })
  }

  return startClaiming<Readonly<BatchBook>>({
    ...{ ...options, onEvent, due, leavesAt },
    async claim(books) {
      const claims = books.flatMap((book) => claimOfBook(book, claimable(book)))
      const { transaction } = await order(claimOrder(claims, await signClaims(authorizer, claims, network)))
      return transaction as Hash
    },
    async finish({ claimed, all }) {
      // What refunds claimed along waits to be sent too.
      if (!claimed && !all) return
      try {
        const { transaction } = await order({ type: 'settle', receiver: payTo, token: asset })
        onEvent({ event: 'settled', transaction })
      } catch (error) {
        // What was claimed is the receiver's; anyone can have it sent, at any time.
        if (error instanceof PaymentRefusedError && error.reason === batchReasons.nothingToSettle) return
        onEvent({ event: 'failed', channels: [], error: failureOf(error) })
      }
    },
  })
}

const due = (book: Readonly<BatchBook>) => claimable(book) - book.state.totalClaimed
const leavesAt = ({ state, config }: Readonly<BatchBook>) =>
  state.withdrawRequestedAt === 0 ? Infinity : state.withdrawRequestedAt + config.withdrawDelay
