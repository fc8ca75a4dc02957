import {
  type Channel,
  claimVouchers,
  confirm,
  type Deployment,
  MillraceError,
  type VoucherClaim,
  type WriteClient,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import type { ChannelBook } from './channelBook.ts'
import type { Ledger } from './ledger.ts'

/** What happened to claims. */
export type ClaimEvent =
  | {
      readonly event: 'claimed'
      readonly channels: readonly Hash[]
      readonly amount: bigint
      readonly transaction: Hash
    }
  | { readonly event: 'closing'; readonly channel: Hash; readonly closesAt: number }
  | { readonly event: 'failed'; readonly channels: readonly Hash[]; readonly error: MillraceError | Error }

/** When and how vouchers are claimed. */
export interface ClaimerOptions {
  readonly ledger: Ledger
  /** A viem client whose account has gas money; it needs no other right. */
  readonly client: WriteClient
  readonly deployment: Deployment
  /** What claiming one channel costs, in base units of the ledger's currency. Default: nothing, as on a local chain. */
  readonly costOf?: () => Promise<bigint>
  /** A claim must bring so many times its cost. A channel that closes is claimed whatever it costs. Default 20. */
  readonly factor?: bigint
  /** Milliseconds between two looks at the chain; must be far below the shortest close delay. Default 30 000. */
  readonly everyMs?: number
  readonly onEvent?: (event: ClaimEvent) => void
}

/** Claims by itself until it is stopped. */
export interface Claimer {
  /** Claims all that is worth it now; with `all` everything. */
  claimNow(options?: { readonly all?: boolean }): Promise<void>
  stop(): Promise<void>
}

/** Most channels in one transaction. */
const batch = 100
/** Questions to the chain at a time. */
const asked = 16

/**
 * Claims what vouchers promise when it is worth the gas, and at once where a payer is about to close. Claims name what is
 * due in all, so one that is sent twice, or whose answer is lost, pays once.
 *
 * @param options Ledger, client, deployment, cost of a claim, pace.
 * @returns The claimer, at work.
 * @example
 * const claimer = startClaimer({ ledger, client, deployment })
 */
export function startClaimer(options: ClaimerOptions): Claimer {
  const { ledger, client, deployment, factor = 20n, everyMs = 30_000 } = options
  const onEvent = options.onEvent ?? (() => {})
  const told = new Set<Hash>()
  let stopped = false
  let working: Promise<void> = Promise.resolve()
  let wake: () => void = () => {}

  async function look(): Promise<void> {
    // Those with nothing due too: one that closed must not be served on.
    const open = ledger.books()
    for (let at = 0; at < open.length; at += asked)
      await Promise.all(open.slice(at, at + asked).map(({ id }) => ledger.refresh(id)))
    for (const { id, closesAt } of ledger.books()) {
      if (closesAt === 0) told.delete(id)
      else if (!told.has(id)) {
        told.add(id)
        onEvent({ event: 'closing', channel: id, closesAt })
      }
    }
  }

  async function send(books: readonly Readonly<ChannelBook>[]): Promise<void> {
    const channels = books.map(({ id }) => id)
    const amount = books.reduce((sum, book) => sum + due(book), 0n)
    try {
      const transaction = await claimVouchers(client, { deployment, claims: books.flatMap(claimOf) })
      await confirm(client, transaction)
      onEvent({ event: 'claimed', channels, amount, transaction })
    } catch (error) {
      onEvent({
        event: 'failed',
        channels,
        error: error instanceof Error ? error : new MillraceError(unknown(error)),
      })
      // One that fails must not hold up the others.
      if (books.length > 1) for (const book of books) await send([book])
    } finally {
      for (const channel of channels) await ledger.refresh(channel).catch(() => {})
    }
  }

  async function round(all: boolean): Promise<void> {
    await look()
    const least = all ? 1n : ((await options.costOf?.()) ?? 0n) * factor
    const worthIt = ledger
      .books()
      .filter((book) => due(book) > 0n && !isEnding(book) && (book.closesAt !== 0 || due(book) >= least))
    // Those that close soonest first.
    const sorted = [...worthIt].sort((a, b) => (a.closesAt || Infinity) - (b.closesAt || Infinity))
    for (let at = 0; at < sorted.length; at += batch) await send(sorted.slice(at, at + batch))
  }

  /** One round at a time. */
  function enqueue(all: boolean): Promise<void> {
    const next = working.then(() => round(all))
    working = next.catch((error: unknown) => {
      onEvent({
        event: 'failed',
        channels: [],
        error: error instanceof Error ? error : new MillraceError(unknown(error)),
      })
    })
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

const due = ({ worth, claimed, deposit }: Readonly<ChannelBook>) =>
  (worth < deposit ? worth : deposit) - claimed

/**
 * Where the end is agreed, a claim would be a race with it: gas for nothing, or for more than was agreed. One whose payer closes
 * by itself is claimed all the same when its deadline leaves less than half of the delay for it.
 */
const isEnding = ({ endsBy, closesAt, channel }: Readonly<ChannelBook>) =>
  endsBy !== null && (closesAt === 0 || closesAt - endsBy >= channel.closeDelay / 2)

/** The best claim of a channel. */
export function claimOf({ channel, best, ticks, word }: Readonly<ChannelBook>): readonly VoucherClaim[] {
  if (best === null) return []
  const shown: { word?: Hash; ticks?: number } = word === null ? {} : { word, ticks }
  return [{ channel: channel satisfies Channel, ...best, ...shown }]
}

const unknown = (error: unknown) => ({ code: 'CLAIM_FAILED', message: `A claim failed: ${String(error)}.` })
