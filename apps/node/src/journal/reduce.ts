import type { Entry, LeaseRecord, NodeState, OfferRecord } from './entries.ts'

/** The state of a node that has noted nothing. */
export const emptyState: NodeState = {
  asset: null,
  registering: null,
  draining: false,
  offers: {},
  leases: {},
}

/** The state after `entry`. Pure; entries about an unknown lease or offer change nothing. */
export function reduce(state: NodeState, entry: Entry): NodeState {
  switch (entry.type) {
    case 'snapshot':
      return entry.state
    case 'asset.registering':
      return { ...state, registering: { hash: entry.hash, raw: entry.raw } }
    case 'asset.registered':
      return { ...state, registering: null, asset: entry.asset }
    case 'probe':
      return state
    case 'drain.changed':
      return { ...state, draining: entry.draining }
    case 'offer.signed': {
      const { type: _, ...offer } = entry
      return { ...state, offers: { ...state.offers, [entry.id]: { ...offer, ended: null } } }
    }
    case 'offer.ended':
      if (entry.why === 'expired') {
        const { [entry.id]: _, ...offers } = state.offers
        return { ...state, offers }
      }
      return withOffer(state, entry.id, (offer) => ({ ...offer, ended: entry.why }))
    case 'lease.opened': {
      if (state.leases[entry.lease] !== undefined) return state
      const { type: _, ...opened } = entry
      const lease: LeaseRecord = {
        ...opened,
        job: null,
        refused: null,
        startSent: false,
        started: null,
        run: { state: 'none' },
        stopSent: false,
        over: null,
        settled: null,
        receipt: null,
      }
      return withOffer(
        { ...state, leases: { ...state.leases, [entry.lease]: lease } },
        entry.lease,
        (offer) => ({
          ...offer,
          ended: 'opened',
        }),
      )
    }
    case 'lease.forgotten': {
      const { [entry.lease]: _, ...leases } = state.leases
      const { [entry.lease]: __, ...offers } = state.offers
      return { ...state, leases, offers }
    }
    default: {
      const lease = state.leases[entry.lease]
      if (lease === undefined) return state
      return { ...state, leases: { ...state.leases, [entry.lease]: reduceLease(lease, entry) } }
    }
  }
}

type LeaseEntry = Exclude<
  Extract<Entry, { lease: unknown }>,
  { type: 'lease.opened' } | { type: 'lease.forgotten' }
>

function reduceLease(lease: LeaseRecord, entry: LeaseEntry): LeaseRecord {
  switch (entry.type) {
    case 'job.accepted':
      // A lease has one job: the receipt names the one that ran.
      return lease.job === null
        ? { ...lease, job: { job: entry.job, bundle: entry.bundle, hash: entry.hash } }
        : lease
    case 'job.refused':
      return { ...lease, refused: { code: entry.code, message: entry.message } }
    case 'start.sent':
      return { ...lease, startSent: true }
    case 'lease.started':
      return { ...lease, started: { startedAt: entry.startedAt, endsAt: entry.endsAt } }
    case 'run.launching':
      return lease.run.state === 'none' ? { ...lease, run: { state: 'launching' } } : lease
    case 'run.launched':
      return lease.run.state === 'launching' ? { ...lease, run: { state: 'launched' } } : lease
    case 'run.absent':
      return lease.run.state === 'launching' ? { ...lease, run: { state: 'none' } } : lease
    case 'run.ended':
      return { ...lease, run: { state: 'ended', result: entry.result } }
    case 'run.lost':
      return { ...lease, run: { state: 'lost', message: entry.message, at: entry.at } }
    case 'stop.sent':
      return { ...lease, stopSent: true }
    case 'lease.over':
      return { ...lease, over: { how: entry.how, stoppedAt: entry.stoppedAt } }
    case 'lease.returned':
      return lease.over?.how === 'vanished' ? { ...lease, over: null } : lease
    case 'settle.sent':
      return lease
    case 'lease.settled':
      return { ...lease, settled: { at: entry.at } }
    case 'receipt.signed':
      // A receipt signed anew (a reorganisation moved the lease's end) needs a new acknowledgement.
      return { ...lease, receipt: { receipt: entry.receipt, device: entry.signature, buyer: null } }
    case 'receipt.acknowledged':
      return lease.receipt === null
        ? lease
        : { ...lease, receipt: { ...lease.receipt, buyer: entry.signature } }
    default:
      return entry satisfies never
  }
}

function withOffer(
  state: NodeState,
  id: OfferRecord['id'],
  change: (offer: OfferRecord) => OfferRecord,
): NodeState {
  const offer = state.offers[id]
  return offer === undefined ? state : { ...state, offers: { ...state.offers, [id]: change(offer) } }
}
