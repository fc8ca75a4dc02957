import type { JobState } from '@millrace/sdk'
import type { Address, Hex } from 'viem'
import type { RunnerProbe } from '../runners/runner.ts'

/** What a node says of itself. Times in Unix seconds, money in base units as decimal strings. */
export interface NodeStatus {
  readonly version: 1
  readonly pid: number
  readonly startedAt: number
  readonly chainId: number
  readonly asset: string
  readonly device: Address
  readonly operator: Address
  readonly draining: boolean
  /** Why no new work is taken now; `null` if it is. */
  readonly refusal: string | null
  readonly slots: number
  readonly offers: number
  readonly gateways: readonly { readonly url: string; readonly connected: boolean }[]
  readonly runner: RunnerProbe
  readonly gas: { readonly balance: string; readonly reserve: string } | null
  readonly leases: readonly {
    readonly lease: Hex
    readonly slot: number
    readonly buyer: Address
    readonly state: JobState
    readonly startedAt: number | null
    readonly endsAt: number | null
    readonly over: string | null
    readonly settled: boolean
  }[]
}
