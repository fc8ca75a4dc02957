import type { ReadClient } from '@millrace/sdk'
import { getBlock } from 'viem/actions'

/** Blocks that are asked for side by side. */
const atOnce = 50

/** The first block of a time or later, by bisection; one after the latest if there is none. */
export async function firstBlockAt(client: ReadClient, time: number): Promise<bigint> {
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
}

/** Unix seconds of blocks. */
export async function timesOf(
  client: ReadClient,
  blocks: Iterable<bigint>,
): Promise<ReadonlyMap<bigint, number>> {
  const wanted = [...new Set(blocks)]
  const times = new Map<bigint, number>()
  for (let at = 0; at < wanted.length; at += atOnce)
    await Promise.all(
      wanted.slice(at, at + atOnce).map(async (blockNumber) => {
        times.set(blockNumber, Number((await getBlock(client, { blockNumber })).timestamp))
      }),
    )
  return times
}
