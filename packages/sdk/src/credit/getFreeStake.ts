import type { Address } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/**
 * Reads an underwriter's stake that no loan locks.
 *
 * @param client A viem client of the chain.
 * @param parameters Facility and underwriter; `blockNumber` for a block other than the latest.
 * @returns Base units of the facility's currency.
 * @throws ChainUnreachableError.
 * @example
 * const free = await getFreeStake(client, { facility, underwriter: owner.address })
 */
export function getFreeStake(
  client: ReadClient,
  parameters: { readonly facility: Address; readonly underwriter: Address; readonly blockNumber?: bigint },
): Promise<bigint> {
  const { facility, underwriter, blockNumber } = parameters
  return read(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'freeStakeOf',
    args: [underwriter],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  })
}
