import { getBlock } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { ReadClient } from '../transactions/write.ts'

/** Blocks that are asked for side by side. */
const atOnce = 50

/**
 * Reads when blocks were made, each once, some of them side by side.
 *
 * @param client A viem client of the chain.
 * @param blocks Their numbers, in any order and as often as you like.
 * @returns Unix seconds by number.
 * @throws ChainUnreachableError, or viem's error if there is no such block.
 * @example
 * const times = await timesOf(client, [1n, 2n, 2n])
 */
export async function timesOf(
  client: ReadClient,
  blocks: Iterable<bigint>,
): Promise<ReadonlyMap<bigint, number>> {
  const wanted = [...new Set(blocks)]
  const times = new Map<bigint, number>()
  try {
    for (let at = 0; at < wanted.length; at += atOnce)
      await Promise.all(
        wanted.slice(at, at + atOnce).map(async (blockNumber) => {
          times.set(blockNumber, Number((await getBlock(client, { blockNumber })).timestamp))
        }),
      )
  } catch (error) {
    throw decodeRevert(error)
  }
  return times
}
