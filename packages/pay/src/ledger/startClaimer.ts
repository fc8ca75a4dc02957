import {
  type Channel,
  claimVouchers,
  confirm,
  type Deployment,
  type VoucherClaim,
  type WriteClient,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import type { ChannelBook } from './channelBook.ts'
import type { Ledger } from './ledger.ts'
import {
  type Claimed,
  type Claimer,
  type ClaimFailed,
  type ClaimPace,
  startClaiming,
} from './startClaiming.ts'

/** What happened to claims. */
export type ClaimEvent =
  | Claimed
  | { readonly event: 'closing'; readonly channel: Hash; readonly closesAt: number }
  | ClaimFailed

/** When and how vouchers are claimed. */
export interface ClaimerOptions extends ClaimPace {
  readonly ledger: Ledger
  /** A viem client whose account has gas money; it needs no other right. */
  readonly client: WriteClient
  readonly deployment: Deployment
  readonly onEvent?: (event: ClaimEvent) => void
}

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
  const { ledger, client, deployment } = options
  const onEvent = options.onEvent ?? (() => {})
  const told = new Set<Hash>()
  return startClaiming<Readonly<ChannelBook>>({
    ...{ ...options, onEvent },
    due: (book) => (isEnding(book) ? 0n : due(book)),
    leavesAt: ({ closesAt }) => (closesAt === 0 ? Infinity : closesAt),
    async claim(books) {
      const transaction = await claimVouchers(client, { deployment, claims: books.flatMap(claimOf) })
      await confirm(client, transaction)
      return transaction
    },
    looked() {
      for (const { id, closesAt } of ledger.books()) {
        if (closesAt === 0) told.delete(id)
        else if (!told.has(id)) {
          told.add(id)
          onEvent({ event: 'closing', channel: id, closesAt })
        }
      }
    },
  })
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
