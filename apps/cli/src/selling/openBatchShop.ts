import {
  batchScheme,
  type ClaimEvent,
  claimable,
  type ExactCurrency,
  type Facilitator,
  openBatchLedger,
  readBatchChannel,
  type SellerScheme,
  startBatchClaimer,
} from '@millrace/pay'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'

/** A payee that is paid on x402's own channels. */
export interface BatchShop {
  readonly scheme: SellerScheme
  /** Charged and not claimed yet, in base units, and on how many channels. */
  due(): { readonly due: bigint; readonly channels: number }
  /** Claims what is worth it, or everything. */
  claim(all: boolean): Promise<void>
  close(): Promise<void>
}

/** Longer than any run: the rounds are the shop's. */
const never = 2 ** 31 - 1

/**
 * Opens the books of a payee on channels of x402's `batch-settlement`; null where the chain has no contract for them.
 *
 * @throws what opening the journal throws
 */
export async function openBatchShop(
  { client }: Pick<Connection, 'client'>,
  options: {
    readonly path: string
    readonly currency: ExactCurrency
    /** Sends deposits, claims and refunds. */
    readonly facilitator: Pick<Facilitator, 'verify' | 'settle' | 'supported'>
    /** Agrees to claims and refunds. */
    readonly seller: OpenAccount
    readonly claimAt: bigint
    readonly onClaim: (event: ClaimEvent) => void
  },
): Promise<BatchShop | null> {
  const { path, currency, facilitator, seller, claimAt, onClaim } = options
  const { kinds } = await facilitator.supported()
  if (!kinds.some(({ scheme }) => scheme === 'batch-settlement')) return null
  const ledger = await openBatchLedger({
    path,
    readChannel: (channel) => readBatchChannel(client, { channel }),
  })
  const authorizer = seller.account
  const claimer = startBatchClaimer({
    ...{ ledger, currency, facilitator, authorizer, everyMs: never, factor: 1n },
    costOf: () => Promise.resolve(claimAt),
    onEvent(event) {
      // What was claimed is the payee's; that it is sent on is no news.
      if (event.event !== 'settled') onClaim(event)
    },
  })
  return {
    scheme: batchScheme({ ledger, currency, facilitator, authorizer }),
    due() {
      const books = ledger.books()
      const due = books.reduce((sum, book) => sum + claimable(book) - book.state.totalClaimed, 0n)
      return { due, channels: books.length }
    },
    claim: (all) => claimer.claimNow({ all }).catch(() => undefined),
    async close() {
      await claimer.stop()
      await ledger.close()
    },
  }
}
