import type { Address, Hash, Log } from 'viem'
import { getBlock, getLogs } from 'viem/actions'
import { repeat } from './repeat.ts'
import type { ReadClient } from './write.ts'

/** How a contract's events are watched. */
export interface WatchLogsOptions {
  /** First block to look at. Default: the one after the latest. */
  readonly fromBlock?: bigint
  /** Told of chains that fail or stall; watching goes on. */
  readonly onError?: (error: unknown) => void
  /** Milliseconds between looks. Default 1000. */
  readonly interval?: number
  /** Milliseconds after which a look is given up. Default 10 000. */
  readonly timeout?: number
  /** Blocks to go back after a reorganisation. Default 64. */
  readonly depth?: number
}

/** Most blocks of one look. */
const widest = 2_000n

/**
 * Tells the logs of one or several contracts in order, at least once each: after a reorganisation those of the last `depth` blocks come again,
 * and so do those at which the listener threw.
 */
export function watchLogs(
  client: ReadClient,
  address: Address | readonly Address[],
  options: WatchLogsOptions & {
    readonly onLogs: (logs: Log<bigint, number, false>[], upTo: bigint) => void | Promise<void>
  },
): () => void {
  const { onLogs, onError, interval = 1000, timeout = 10_000 } = options
  const depth = BigInt(options.depth ?? 64)
  const of = typeof address === 'string' ? address : [...address]
  let next = options.fromBlock
  let seen: { readonly number: bigint; readonly hash: Hash } | undefined

  return repeat(
    async (current) => {
      const head = await getBlock(client)
      if (head.number === null || head.hash === null) return
      if (next === undefined) {
        next = head.number + 1n
        seen = { number: head.number, hash: head.hash }
        return
      }
      if (await undone()) {
        if (!current()) return
        // Never before the block the caller asked for; a chain that lost its end is read again from there.
        const last = seen !== undefined && seen.number < head.number ? seen.number : head.number
        const floor = options.fromBlock ?? 0n
        next = last - depth > floor ? last - depth : floor
        seen = undefined
      }
      if (head.number < next) return
      const toBlock = head.number - next >= widest ? next + widest - 1n : head.number
      const to = toBlock === head.number ? head : await getBlock(client, { blockNumber: toBlock })
      const logs = await getLogs(client, { address: of, fromBlock: next, toBlock })
      if (!current()) return
      await onLogs(logs, toBlock)
      if (!current()) return
      next = toBlock + 1n
      seen = to.hash === null ? undefined : { number: toBlock, hash: to.hash }
    },
    { interval, timeout, onError },
  )

  /** Whether the last block that was read is no longer part of the chain. */
  async function undone(): Promise<boolean> {
    if (seen === undefined) return false
    try {
      const block = await getBlock(client, { blockNumber: seen.number })
      return block.hash !== seen.hash
    } catch (error) {
      if (error instanceof Error && error.name === 'BlockNotFoundError') return true
      throw error
    }
  }
}
