import type { Deployment } from '../deployments/deployment.ts'
import { readLogs } from '../transactions/readLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import { decodeFacilityLogs, eventSourcesOf } from './decodeFacilityLogs.ts'
import type { FacilityContracts } from './facility.ts'
import type { FacilityEvent } from './facilityEvent.ts'

/**
 * Reads what happened to a facility in a range of blocks.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, facility with its desk and vaults, first and last block.
 * @returns The events in order.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const { desk, senior, junior } = await getFacility(client, { facility })
 * const events = await readFacilityEvents(client, { deployment, facility: { facility, desk, senior, junior }, fromBlock: 0n, toBlock: 100n })
 */
export async function readFacilityEvents(
  client: ReadClient,
  parameters: {
    readonly deployment: Deployment
    readonly facility: FacilityContracts
    readonly fromBlock: bigint
    readonly toBlock: bigint
  },
): Promise<readonly FacilityEvent[]> {
  const { deployment, facility, fromBlock, toBlock } = parameters
  const sources = eventSourcesOf(facility, deployment)
  const logs = await readLogs(client, { address: Object.values(sources), fromBlock, toBlock })
  return decodeFacilityLogs(logs, sources)
}
