import { type Address, type Hash, parseEventLogs } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type WatchLogsOptions, watchLogs } from '../transactions/watchLogs.ts'
import type { ReadClient } from '../transactions/write.ts'

/** Something that happened to a lease. Amounts in base units, times in Unix seconds. */
export type LeaseEvent = {
  readonly lease: Hash
  readonly blockNumber: bigint
  readonly transaction: Hash
} & (
  | {
      readonly type: 'opened'
      readonly asset: bigint
      readonly buyer: Address
      readonly operator: Address
      readonly pricePerHour: bigint
      readonly deposit: bigint
      readonly bond: bigint
      readonly startBy: number
      readonly duration: number
      readonly spec: Hash
      readonly terms: Hash
    }
  | { readonly type: 'started'; readonly startedAt: number; readonly endsAt: number }
  | {
      readonly type: 'extended'
      readonly added: number
      readonly deposit: bigint
      readonly endsAt: number
    }
  | { readonly type: 'stopped'; readonly by: Address; readonly stoppedAt: number }
  | {
      readonly type: 'settled'
      readonly earned: bigint
      readonly refunded: bigint
      readonly bondToBuyer: bigint
    }
)

/** How leases are watched. */
export interface WatchLeasesParameters extends WatchLogsOptions {
  readonly deployment: Deployment
  /**
   * Told of events in order, at least once each: after a reorganisation the events of the last `depth` blocks are told
   * again, and an event that was undone is not taken back, so ask the chain before relying on one. If it throws, the same
   * events come again.
   */
  readonly onEvents: (events: readonly LeaseEvent[], upTo: bigint) => void | Promise<void>
}

const types = {
  LeaseOpened: 'opened',
  LeaseStarted: 'started',
  LeaseExtended: 'extended',
  LeaseStopped: 'stopped',
  LeaseSettled: 'settled',
} as const

/**
 * Watches what happens to all leases of a market, from the chain's events; survives reorganisations and an RPC that
 * fails or stalls.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, first block, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @example
 * const stop = watchLeases(client, { deployment, onEvents: (events) => console.log(events.map(({ type }) => type)) })
 */
export function watchLeases(client: ReadClient, parameters: WatchLeasesParameters): () => void {
  const { deployment, onEvents, ...options } = parameters
  return watchLogs(client, deployment.market, {
    ...options,
    onLogs: (logs, upTo) => {
      const events = parseEventLogs({ abi: marketAbi, logs }).flatMap((log): LeaseEvent[] => {
        if (!Object.hasOwn(types, log.eventName)) return []
        const type = types[log.eventName as keyof typeof types]
        return [
          { ...log.args, type, blockNumber: log.blockNumber, transaction: log.transactionHash } as LeaseEvent,
        ]
      })
      return onEvents(events, upTo)
    },
  })
}
