import type { Address, Log } from 'viem'
import { getLogs } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { ReadClient } from './write.ts'

/** Most blocks that are asked for at once. */
const widest = 10_000n

/**
 * Reads all logs of some contracts in a range of blocks, both ends included, in order, a part of the range at a time.
 *
 * @param client A viem client of the chain.
 * @param range Addresses of the contracts, first and last block.
 * @returns The logs; viem's `parseEventLogs` reads them.
 * @throws ChainUnreachableError.
 * @example
 * const logs = await readLogs(client, { address: [deployment.till], fromBlock: 0n, toBlock: 100n })
 */
export async function readLogs(
  client: ReadClient,
  range: { readonly address: readonly Address[]; readonly fromBlock: bigint; readonly toBlock: bigint },
): Promise<readonly Log<bigint, number, false>[]> {
  const address = [...range.address]
  const logs: Log<bigint, number, false>[] = []
  try {
    for (let fromBlock = range.fromBlock; fromBlock <= range.toBlock; fromBlock += widest) {
      const last = fromBlock + widest - 1n
      const toBlock = last < range.toBlock ? last : range.toBlock
      logs.push(...(await getLogs(client, { address, fromBlock, toBlock })))
    }
    return logs
  } catch (error) {
    throw decodeRevert(error)
  }
}
