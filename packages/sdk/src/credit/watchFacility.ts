import type { Deployment } from '../deployments/deployment.ts'
import { type WatchLogsOptions, watchLogs } from '../transactions/watchLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import { decodeFacilityLogs, eventSourcesOf } from './decodeFacilityLogs.ts'
import type { FacilityContracts } from './facility.ts'
import type { FacilityEvent } from './facilityEvent.ts'

/** How a facility is watched. */
export interface WatchFacilityParameters extends WatchLogsOptions {
  readonly deployment: Deployment
  /** The facility with its desk and vaults, from `getFacility`. */
  readonly facility: FacilityContracts
  /**
   * Told of events in order, at least once each: after a reorganisation the events of the last `depth` blocks are told
   * again, and an event that was undone is not taken back, so ask the chain before relying on one. If it throws, the same
   * events come again.
   */
  readonly onEvents: (events: readonly FacilityEvent[], upTo: bigint) => void | Promise<void>
}

/**
 * Watches what happens to a facility: its loans, its lenders and their queue, its stakes, its auctions and its ranks. Survives reorganisations
 * and an RPC that fails or stalls.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, facility, first block, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @throws CreditContractsUnknownError.
 * @example
 * const { desk, senior, junior } = await getFacility(client, { facility })
 * const stop = watchFacility(client, { deployment, facility: { facility, desk, senior, junior }, onEvents: (events) => console.log(events.map(({ type }) => type)) })
 */
export function watchFacility(client: ReadClient, parameters: WatchFacilityParameters): () => void {
  const { deployment, facility, onEvents, ...options } = parameters
  const sources = eventSourcesOf(facility, deployment)
  return watchLogs(client, Object.values(sources), {
    ...options,
    onLogs: (logs, upTo) => onEvents(decodeFacilityLogs(logs, sources), upTo),
  })
}
