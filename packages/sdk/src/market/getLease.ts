import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { RevertError } from '../errors/transaction.ts'
import { marketAbi } from '../generated/market.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type Lease, leaseStates } from './lease.ts'

/**
 * Reads a lease from the chain.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and lease; `blockNumber` for a block other than the latest.
 * @returns The lease, or `null` if it was not opened.
 * @throws ChainUnreachableError.
 * @example
 * const lease = await getLease(client, { deployment, lease: id })
 */
export async function getLease(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly lease: Hash; readonly blockNumber?: bigint },
): Promise<Lease | null> {
  const { deployment, lease: id, blockNumber } = parameters
  try {
    const lease = await read(client, {
      address: deployment.market,
      abi: marketAbi,
      functionName: 'get',
      args: [id],
      ...(blockNumber === undefined ? {} : { blockNumber }),
    })
    const state = leaseStates[lease.state] ?? 'none'
    return state === 'none' ? null : { ...lease, id, state }
  } catch (error) {
    if (error instanceof RevertError && error.revert.name === 'LeaseUnknown') return null
    throw error
  }
}
