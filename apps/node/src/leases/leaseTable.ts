import type { Hex } from 'viem'
import { LeaseUnknownError, SlotTakenError } from './errors.ts'
import { keepLease, type LeaseContext, type LeaseKeeper } from './leaseKeeper.ts'
import { occupies } from './occupies.ts'

export interface LeaseTable {
  /** The keeper of a lease, which is taken up if it was opened on an offer of ours. Throws `LeaseUnknownError`. */
  adopt(lease: Hex): Promise<LeaseKeeper>
  get(lease: Hex): LeaseKeeper | undefined
  /** Whether a slot's machine is in use: hired, or its last job not yet out of the way. */
  slotTaken(slot: number): boolean
  /** Leases that are not settled yet. */
  readonly active: number
  wakeAll(): void
  close(): Promise<void>
}

/** All leases of the node. Those in the journal are taken up again at once. */
export function createLeaseTable(context: LeaseContext, onChange: () => void): LeaseTable {
  const { chain, journal, log, asset } = context
  const keepers = new Map<Hex, LeaseKeeper>()
  /** One at a time: of two leases on one slot the second must see the first. */
  let adopting: Promise<unknown> = Promise.resolve()

  function keep(lease: Hex): LeaseKeeper {
    const keeper = keepLease(lease, context)
    keepers.set(lease, keeper)
    void keeper.ended.then(() => {
      if (journal.state.leases[lease] === undefined) keepers.delete(lease)
      onChange()
    })
    return keeper
  }

  function slotTaken(slot: number): boolean {
    return Object.values(journal.state.leases).some((record) => record.slot === slot && occupies(record))
  }

  async function adoptNew(lease: Hex): Promise<LeaseKeeper> {
    const offer = journal.state.offers[lease]
    if (offer === undefined) {
      throw new LeaseUnknownError({ lease, reason: 'it was not opened on an offer of this node' })
    }
    const seen = await chain.lease(lease)
    if (seen === null) throw new LeaseUnknownError({ lease, reason: 'the chain does not know it' })
    // The id is the digest of our own offer, so the contract has checked all of it; this guards against a wrong contract.
    if (seen.asset !== asset) {
      throw new LeaseUnknownError({
        lease,
        reason: `it is for asset ${seen.asset}, this node is asset ${asset}`,
      })
    }
    const second = slotTaken(offer.slot)
    await journal.note({
      type: 'lease.opened',
      lease,
      slot: offer.slot,
      buyer: seen.buyer,
      pricePerHour: String(seen.pricePerHour),
      deposit: String(seen.deposit),
      bond: String(seen.bond),
      startBy: seen.startBy,
      spec: offer.spec,
      ...(offer.terms === undefined ? {} : { terms: offer.terms }),
    })
    log.info({ event: 'lease.opened', lease, slot: offer.slot, buyer: seen.buyer })
    if (second) {
      const { code, message } = new SlotTakenError({ lease, slot: offer.slot })
      await journal.note({ type: 'job.refused', lease, code, message })
      log.warn({ event: 'lease.slot-taken', lease, slot: offer.slot })
    }
    const keeper = keep(lease)
    onChange()
    return keeper
  }

  for (const lease of Object.keys(journal.state.leases)) keep(lease as Hex)

  return {
    adopt(lease) {
      // The chain's event and the buyer's session may come in the same moment.
      const next = adopting.then(() => keepers.get(lease) ?? adoptNew(lease))
      adopting = next.catch(() => undefined)
      return next
    },
    get: (lease) => keepers.get(lease),
    slotTaken,
    get active() {
      return Object.values(journal.state.leases).filter(
        (record) => record.settled === null && record.over?.how !== 'vanished',
      ).length
    },
    wakeAll() {
      for (const keeper of keepers.values()) keeper.wake()
    },
    async close() {
      await Promise.all([...keepers.values()].map((keeper) => keeper.close()))
    },
  }
}
