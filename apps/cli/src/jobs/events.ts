import type { JobState } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import type { OfferChallenge } from './challengeOffer.ts'
import type { JobPlan } from './planJob.ts'

/** What happens while a job is bought and run, in order. `ms` counts from the start of the order. */
export type JobEvent =
  | { readonly event: 'bundled'; readonly files: number; readonly bytes: number; readonly packed: number }
  | { readonly event: 'planned'; readonly plan: JobPlan }
  /** A listed offer that does not hold on chain. */
  | { readonly event: 'passed-over'; readonly offer: Hash; readonly reason: string }
  | { readonly event: 'challenging'; readonly offer: Hash; readonly device: Address }
  /** `challenge` is null where the machine could not be asked; `text` says what was found. */
  | {
      readonly event: 'challenged'
      readonly offer: Hash
      readonly device: Address
      readonly isGood: boolean
      readonly text: string
      readonly challenge: OfferChallenge | null
    }
  | { readonly event: 'haggling'; readonly offer: Hash; readonly device: Address }
  /** `lease` and `pricePerHour` are null where there was no agreement; `text` says how it ended. */
  | {
      readonly event: 'haggled'
      readonly offer: Hash
      readonly device: Address
      readonly listPricePerHour: bigint
      readonly pricePerHour: bigint | null
      readonly lease: Hash | null
      readonly terms: Hash | null
      readonly messages: number
      readonly text: string
    }
  | { readonly event: 'deposited'; readonly amount: bigint; readonly transaction: Hash }
  | { readonly event: 'market-approved'; readonly transaction: Hash }
  | { readonly event: 'opening'; readonly lease: Hash }
  | { readonly event: 'opened'; readonly lease: Hash; readonly transaction: Hash; readonly ms: number }
  | { readonly event: 'uploading'; readonly lease: Hash; readonly sent: number; readonly size: number }
  | { readonly event: 'state'; readonly lease: Hash; readonly state: JobState; readonly ms: number }
  | {
      readonly event: 'log'
      readonly lease: Hash
      readonly offset: number
      readonly stream: 'stdout' | 'stderr' | 'system'
      readonly bytes: Uint8Array
      readonly ms: number
    }
  | { readonly event: 'reconnecting'; readonly lease: Hash; readonly reason: string }
  | { readonly event: 'given-back'; readonly lease: Hash; readonly reason: string }
  | {
      readonly event: 'ended'
      readonly lease: Hash
      readonly state: string
      readonly exitCode: number | null
      readonly reason: string | null
    }
  | { readonly event: 'stopping'; readonly lease: Hash; readonly reason: string }
  | { readonly event: 'downloading'; readonly lease: Hash; readonly received: number; readonly size: number }
  | { readonly event: 'fetched'; readonly lease: Hash; readonly files: number; readonly folder: string }
  | {
      readonly event: 'settled'
      readonly lease: Hash
      readonly seconds: number
      readonly earned: bigint
      readonly refunded: bigint
    }
  | { readonly event: 'receipt'; readonly lease: Hash; readonly path: string; readonly acknowledged: boolean }

export type OnJobEvent = (event: JobEvent) => void
