import { MillraceError, type Signer } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import { PaymentRefusedError } from '../seller/errors.ts'
import type { ExactCurrency } from '../seller/exactScheme.ts'
import type { PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { type BatchBook, claimable } from './batchBook.ts'
import type { BatchLedger } from './openBatchLedger.ts'
import { claimOfBook, claimOrder, orderOf, signClaims } from './orders.ts'
import { batchReasons } from './reasons.ts'

/** What happened to claims on channels of `batch-settlement`. */
export type BatchClaimEvent =
  | {
      readonly event: 'claimed'
      readonly channels: readonly Hash[]
      readonly amount: bigint
      readonly transaction: string
    }
  | { readonly event: 'settled'; readonly transaction: string }
  | { readonly event: 'failed'; readonly channels: readonly Hash[]; readonly error: MillraceError | Error }

/** When and how vouchers are claimed. */
export interface BatchClaimerOptions {
  readonly ledger: BatchLedger
  readonly currency: ExactCurrency
  /** Sends the claims. */
  readonly facilitator: Pick<Facilitator, 'settle'>
  /** As in `batchScheme`. */
  readonly authorizer: Signer
  /** What claiming one channel costs, in base units. Default: nothing, as on a local chain. */
  readonly costOf?: () => Promise<bigint>
  /** A claim must bring so many times its cost. A channel that its payer leaves is claimed whatever it costs. Default 20. */
  readonly factor?: bigint
  /** Milliseconds between two looks at the chain; must be far below the shortest withdraw delay. Default 30 000. */
  readonly everyMs?: number
  readonly onEvent?: (event: BatchClaimEvent) => void
}

/** Claims by itself until it is stopped. */
export interface BatchClaimer {
  /** Claims all that is worth it now, with `all` everything, and has it sent to the receiver. */
  claimNow(options?: { readonly all?: boolean }): Promise<void>
  stop(): Promise<void>
}

/** Most channels in one transaction. */
const batch = 100
/** Questions to the chain at a time. */
const asked = 16

/**
 * Claims what was charged on channels of `batch-settlement` when it is worth the gas, and at once where a payer is about to leave; then
 * has it sent to the receiver. Claims name what is due in all, so one that is sent twice, or whose answer is lost, counts once.
 *
 * @param options Ledger, currency, who sends and who agrees, cost of a claim, pace.
 * @returns The claimer, at work.
 * @example
 * const claimer = startBatchClaimer({ ledger, currency, facilitator, authorizer })
 */
export function startBatchClaimer(options: BatchClaimerOptions): BatchClaimer {
  const { ledger, currency, facilitator, authorizer, factor = 20n, everyMs = 30_000 } = options
  const { network, asset, payTo, name, version } = currency
  const onEvent = options.onEvent ?? (() => {})
  const requirements: PaymentRequirements = {
    ...{ scheme: 'batch-settlement', network, asset, amount: '0', payTo, maxTimeoutSeconds: 60 },
    extra: { name, version },
  }
  let stopped = false
  let working: Promise<void> = Promise.resolve()
  let wake: () => void = () => {}

  async function order(payload: Readonly<Record<string, unknown>>): Promise<SettleResponse> {
    const settled = await facilitator.settle(orderOf(requirements, payload), requirements)
    if (settled.success) return settled
    const { errorReason = batchReasons.claimTransaction, errorMessage } = settled
    throw new PaymentRefusedError({
      reason: errorReason,
      ...(errorMessage === undefined ? {} : { message: errorMessage }),
    })
  }

  const fail = (channels: readonly Hash[], error: unknown) =>
    onEvent({
      ...{ event: 'failed', channels },
      error: error instanceof Error ? error : new MillraceError(unknown(error)),
    })

  async function send(books: readonly Readonly<BatchBook>[]): Promise<void> {
    const channels = books.map(({ id }) => id)
    const amount = books.reduce((sum, book) => sum + due(book), 0n)
    const claims = books.flatMap((book) => claimOfBook(book, claimable(book)))
    try {
      const signature = await signClaims(authorizer, claims, network)
      const { transaction } = await order(claimOrder(claims, signature))
      onEvent({ event: 'claimed', channels, amount, transaction })
    } catch (error) {
      fail(channels, error)
      // One that fails must not hold up the others.
      if (books.length > 1) for (const book of books) await send([book])
    } finally {
      for (const channel of channels) await ledger.refresh(channel).catch(() => {})
    }
  }

  async function round(all: boolean): Promise<void> {
    const known = ledger.books()
    for (let at = 0; at < known.length; at += asked)
      await Promise.all(known.slice(at, at + asked).map(({ id }) => ledger.refresh(id)))
    const least = all ? 1n : ((await options.costOf?.()) ?? 0n) * factor
    const worthIt = ledger
      .books()
      .filter((book) => due(book) > 0n && (book.state.withdrawRequestedAt !== 0 || due(book) >= least))
    // Those whose payers leave first.
    const sorted = [...worthIt].sort((a, b) => leavesAt(a) - leavesAt(b))
    for (let at = 0; at < sorted.length; at += batch) await send(sorted.slice(at, at + batch))
    // What refunds claimed along waits to be sent too.
    if (sorted.length === 0 && !all) return
    try {
      const { transaction } = await order({ type: 'settle', receiver: payTo, token: asset })
      onEvent({ event: 'settled', transaction })
    } catch (error) {
      // What was claimed is the receiver's; anyone can have it sent, at any time.
      if (!(error instanceof PaymentRefusedError && error.reason === batchReasons.nothingToSettle))
        fail([], error)
    }
  }

  /** One round at a time. */
  function enqueue(all: boolean): Promise<void> {
    const next = working.then(() => round(all))
    working = next.catch((error: unknown) => fail([], error))
    return next
  }

  const loop = (async () => {
    while (!stopped) {
      await enqueue(false).catch(() => {})
      if (stopped) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  })()

  return {
    claimNow: ({ all = false } = {}) => enqueue(all),
    async stop() {
      stopped = true
      wake()
      await loop
      await working
    },
  }
}

const due = (book: Readonly<BatchBook>) => claimable(book) - book.state.totalClaimed
const leavesAt = ({ state, config }: Readonly<BatchBook>) =>
  state.withdrawRequestedAt === 0 ? Infinity : state.withdrawRequestedAt + config.withdrawDelay
const unknown = (error: unknown) => ({ code: 'CLAIM_FAILED', message: `A claim failed: ${String(error)}.` })
