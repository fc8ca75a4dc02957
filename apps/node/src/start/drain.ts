import type { Hex } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import type { OfferKeeper } from '../offers/offerKeeper.ts'
import type { Log } from './log.ts'

export interface DrainOptions {
  readonly chain: NodeChain
  readonly journal: NodeJournal
  readonly leases: LeaseTable
  readonly offers: OfferKeeper
  /** Takes up a lease on an offer of ours. */
  readonly adopt: (lease: Hex) => Promise<void>
  /** Whether new work is taken has changed. */
  readonly onChange: () => void
  /** Nothing is left to do. */
  readonly onDrained: () => void
  readonly log: Log
}

/** Takes a node out of service and back. That it drains is noted, so that a restart goes on with it. */
export interface Drain {
  /** Take no new work. */
  begin(): Promise<void>
  /** Take new work again. */
  resume(): Promise<void>
  /** Ends a drained node with nothing left to settle; the next start is a fresh one. Throws viem's errors and the journal's. */
  endIfDone(): Promise<void>
}

export function createDrain(options: DrainOptions): Drain {
  const { chain, journal, leases, offers, log } = options
  let ending = false

  return {
    async begin() {
      if (!journal.state.draining) {
        await journal.note({ type: 'drain.changed', draining: true })
        log.info({ event: 'node.draining' })
      }
      options.onChange()
    },
    async resume() {
      if (!journal.state.draining) return
      await journal.note({ type: 'drain.changed', draining: false })
      options.onChange()
    },
    async endIfDone() {
      if (!journal.state.draining || ending || leases.active > 0) return
      ending = true
      try {
        await offers.tick()
        await offers.cancelAll()
        // One may have come in before its offer was void.
        for (const offer of Object.values(journal.state.offers)) {
          if ((await chain.lease(offer.id)) !== null) await options.adopt(offer.id)
        }
        if (leases.active > 0) return
        await journal.note({ type: 'drain.changed', draining: false })
        log.info({ event: 'node.drained' })
        options.onDrained()
      } finally {
        ending = false
      }
    },
  }
}
