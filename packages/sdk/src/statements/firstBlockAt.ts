import { getBlock } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { ReadClient } from '../transactions/write.ts'

/**
 * Finds the first block of a time or later, by bisection: where a period of a statement begins.
 *
 * @param client A viem client of the chain.
 * @param time Unix seconds.
 * @returns Its number; one more than the latest if there is none yet.
 * @throws ChainUnreachableError.
 * @example
 * const fromBlock = await firstBlockAt(client, 1_767_225_600)
 */
export async function firstBlockAt(client: ReadClient, time: number): Promise<bigint> {
  try {
    const head = await getBlock(client)
    if (head.number === null || Number(head.timestamp) < time) return (head.number ?? -1n) + 1n
    let [low, high] = [0n, head.number]
    while (low < high) {
      const middle = (low + high) / 2n
      const { timestamp } = await getBlock(client, { blockNumber: middle })
      if (Number(timestamp) >= time) high = middle
      else low = middle + 1n
    }
    return low
  } catch (error) {
    throw decodeRevert(error)
  }
}
