import type { BundleRef, Job, ReceiptJson, Spec } from '@millrace/sdk'
import type { Hex } from 'viem'
import type { RunnerResult } from '../runners/runner.ts'

/** Why a lease is over. `never-started`: the window to start it passed. `vanished`: a reorganisation dropped it. */
export type OverHow = 'stopped' | 'expired' | 'never-started' | 'vanished'

/** Why an offer is not advertised any more. Until it has expired or was cancelled it can still be opened. */
export type OfferEnd = 'expired' | 'opened' | 'withdrawn' | 'cancelled'

/** One line of the node's journal. What moves money or starts a job is noted before (`…ing`, `….sent`) and after. */
export type Entry =
  | { readonly type: 'snapshot'; readonly state: NodeState }
  | { readonly type: 'asset.registering'; readonly hash: Hex; readonly raw: Hex }
  | { readonly type: 'asset.registered'; readonly asset: string }
  | {
      readonly type: 'offer.signed'
      readonly id: Hex
      readonly slot: number
      readonly nonce: string
      readonly expiry: number
      readonly spec: Spec
      /** For whom it was made in a haggle; absent where it is for anyone. */
      readonly buyer?: Hex
      /** Hash of what was agreed in a haggle; absent at the list price. */
      readonly terms?: Hex
    }
  | { readonly type: 'offer.ended'; readonly id: Hex; readonly why: OfferEnd }
  | {
      readonly type: 'lease.opened'
      readonly lease: Hex
      readonly slot: number
      readonly buyer: Hex
      readonly pricePerHour: string
      readonly deposit: string
      readonly bond: string
      readonly startBy: number
      readonly spec: Spec
      /** As of its offer. */
      readonly terms?: Hex
    }
  | {
      readonly type: 'job.accepted'
      readonly lease: Hex
      readonly job: Job
      readonly bundle: BundleRef | null
      readonly hash: Hex
    }
  | { readonly type: 'job.refused'; readonly lease: Hex; readonly code: string; readonly message: string }
  | { readonly type: 'start.sent'; readonly lease: Hex }
  | {
      readonly type: 'lease.started'
      readonly lease: Hex
      readonly startedAt: number
      readonly endsAt: number
    }
  | { readonly type: 'run.launching'; readonly lease: Hex }
  | { readonly type: 'run.launched'; readonly lease: Hex }
  /** The runner knows nothing of it: it was never begun, so it may be launched again. */
  | { readonly type: 'run.absent'; readonly lease: Hex }
  | { readonly type: 'run.ended'; readonly lease: Hex; readonly result: RunnerResult }
  | { readonly type: 'run.lost'; readonly lease: Hex; readonly message: string; readonly at: number }
  | { readonly type: 'stop.sent'; readonly lease: Hex }
  | { readonly type: 'lease.over'; readonly lease: Hex; readonly how: OverHow; readonly stoppedAt: number }
  /** A lease that was taken for dropped is on the chain again. */
  | { readonly type: 'lease.returned'; readonly lease: Hex }
  | { readonly type: 'settle.sent'; readonly lease: Hex }
  | { readonly type: 'lease.settled'; readonly lease: Hex; readonly at: number }
  | {
      readonly type: 'receipt.signed'
      readonly lease: Hex
      readonly receipt: ReceiptJson
      readonly signature: Hex
    }
  | { readonly type: 'receipt.acknowledged'; readonly lease: Hex; readonly signature: Hex }
  | { readonly type: 'lease.forgotten'; readonly lease: Hex }
  | { readonly type: 'drain.changed'; readonly draining: boolean }
  /** Changes nothing: tries whether the disk takes a line. */
  | { readonly type: 'probe'; readonly padding: string }

/** What the node remembers: the sum of its journal. Plain JSON, so that a snapshot of it is a journal line too. */
export interface NodeState {
  readonly asset: string | null
  readonly registering: { readonly hash: Hex; readonly raw: Hex } | null
  readonly draining: boolean
  readonly offers: Readonly<Record<Hex, OfferRecord>>
  readonly leases: Readonly<Record<Hex, LeaseRecord>>
}

export interface OfferRecord {
  readonly id: Hex
  readonly slot: number
  readonly nonce: string
  readonly expiry: number
  readonly spec: Spec
  /** For whom it was made in a haggle; absent where it is for anyone. */
  readonly buyer?: Hex
  /** Hash of what was agreed in a haggle; absent at the list price. */
  readonly terms?: Hex
  readonly ended: OfferEnd | null
}

export interface LeaseRecord {
  readonly lease: Hex
  readonly slot: number
  readonly buyer: Hex
  readonly pricePerHour: string
  readonly deposit: string
  readonly bond: string
  readonly startBy: number
  /** What was promised: the limits of the job, whatever the configuration says by now. */
  readonly spec: Spec
  /** Hash of what was agreed in a haggle; absent at the list price. */
  readonly terms?: Hex
  readonly job: { readonly job: Job; readonly bundle: BundleRef | null; readonly hash: Hex } | null
  readonly refused: { readonly code: string; readonly message: string } | null
  readonly startSent: boolean
  readonly started: { readonly startedAt: number; readonly endsAt: number } | null
  readonly run: RunRecord
  readonly stopSent: boolean
  readonly over: { readonly how: OverHow; readonly stoppedAt: number } | null
  readonly settled: { readonly at: number } | null
  readonly receipt: { readonly receipt: ReceiptJson; readonly device: Hex; readonly buyer: Hex | null } | null
}

/**
 * `launching`: the runner may or may not have begun, it knows; `launched`: it has; `lost`: it had, and its files
 * are gone. From `launching` on the job may only be attached to or found never started, never run again.
 */
export type RunRecord =
  | { readonly state: 'none' | 'launching' | 'launched' }
  | { readonly state: 'ended'; readonly result: RunnerResult }
  | { readonly state: 'lost'; readonly message: string; readonly at: number }
