import { MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'

/** Claims by itself until it is stopped. */
export interface Claimer {
  /** Claims all that is worth it now; with `all` everything. */
  claimNow(options?: { readonly all?: boolean }): Promise<void>
  stop(): Promise<void>
}

/** When claims are made, whatever the channels are. */
export interface ClaimPace {
  /** What claiming one channel costs, in base units of the ledger's currency. Default: nothing, as on a local chain. */
  readonly costOf?: () => Promise<bigint>
  /** A claim must bring so many times its cost. A channel whose payer leaves is claimed whatever it costs. Default 20. */
  readonly factor?: bigint
  /** Milliseconds between two looks at the chain; must be far below the shortest time in which a payer can leave. Default 30 000. */
  readonly everyMs?: number
}

/** A claim that went through. */
export interface Claimed {
  readonly event: 'claimed'
  readonly channels: readonly Hash[]
  readonly amount: bigint
  readonly transaction: Hash
}

/** A claim, or a look at the chain, that did not. */
export interface ClaimFailed {
  readonly event: 'failed'
  readonly channels: readonly Hash[]
  readonly error: Error
}

/** Whose channels are claimed, and how. */
export interface Claiming<book extends { readonly id: Hash }> extends ClaimPace {
  readonly ledger: { books(): readonly book[]; refresh(id: Hash): Promise<void> }
  /** Base units that a claim would bring. */
  readonly due: (book: book) => bigint
  /** When its payer can be gone, or anything that grows with it; Infinity where it does not leave. */
  readonly leavesAt: (book: book) => number
  /** Sends one claim for all of these, and waits until the chain shows it. */
  readonly claim: (books: readonly book[]) => Promise<Hash>
  readonly onEvent: (event: Claimed | ClaimFailed) => void
  /** Once the chain was looked at, before anything is claimed. */
  readonly looked?: () => void
  /** After a round's claims: whether there were any, and whether everything was to be claimed. */
  readonly finish?: (round: { readonly claimed: boolean; readonly all: boolean }) => Promise<void>
}

/** Most channels in one transaction. */
const batch = 100
/** Questions to the chain at a time. */
const asked = 16

/**
 * Claims in rounds: looks at the chain, claims what is worth it, and at once where a payer is about to leave, those that leave first
 * before others. Claims name what is due in all, so one that is sent twice, or whose answer is lost, pays once.
 */
export function startClaiming<book extends { readonly id: Hash }>(claiming: Claiming<book>): Claimer {
  const { ledger, due, leavesAt, claim, onEvent, factor = 20n, everyMs = 30_000 } = claiming
  let stopped = false
  let working: Promise<void> = Promise.resolve()
  let wake: () => void = () => {}

  const fail = (channels: readonly Hash[], error: unknown) =>
    onEvent({ event: 'failed', channels, error: failureOf(error) })

  async function send(books: readonly book[]): Promise<void> {
    const channels = books.map(({ id }) => id)
    const amount = books.reduce((sum, book) => sum + due(book), 0n)
    try {
      onEvent({ event: 'claimed', channels, amount, transaction: await claim(books) })
    } catch (error) {
      fail(channels, error)
      // One that fails must not hold up the others.
      if (books.length > 1) for (const book of books) await send([book])
    } finally {
      for (const channel of channels) await ledger.refresh(channel).catch(() => {})
    }
  }

  async function round(all: boolean): Promise<void> {
    // Those with nothing due too: one that closed must not be served on.
    const known = ledger.books()
    for (let at = 0; at < known.length; at += asked)
      await Promise.all(known.slice(at, at + asked).map(({ id }) => ledger.refresh(id)))
    claiming.looked?.()
    const least = all ? 1n : ((await claiming.costOf?.()) ?? 0n) * factor
    const worthIt = ledger
      .books()
      .filter((book) => due(book) > 0n && (leavesAt(book) !== Infinity || due(book) >= least))
      .sort((a, b) => (leavesAt(a) === leavesAt(b) ? 0 : leavesAt(a) - leavesAt(b)))
    for (let at = 0; at < worthIt.length; at += batch) await send(worthIt.slice(at, at + batch))
    await claiming.finish?.({ claimed: worthIt.length > 0, all })
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

/** What was thrown, as an error. */
export const failureOf = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new MillraceError({ code: 'CLAIM_FAILED', message: `A claim failed: ${String(error)}.` })
