import { type Address, type Hash, parseEventLogs } from 'viem'
import { getBlock, getLogs } from 'viem/actions'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { repeat } from '../transactions/repeat.ts'
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
export interface WatchLeasesParameters {
  readonly deployment: Deployment
  /** First block to look at. Default: the one after the latest. */
  readonly fromBlock?: bigint
  /**
   * Told of events in order, at least once each: after a reorganisation the events of the last `depth` blocks are told
   * again, and an event that was undone is not taken back, so ask the chain before relying on one. If it throws, the same
   * events come again.
   */
  readonly onEvents: (events: readonly LeaseEvent[], upTo: bigint) => void | Promise<void>
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
  const { deployment, onEvents, onError, interval = 1000, timeout = 10_000 } = parameters
  const depth = BigInt(parameters.depth ?? 64)
  let next = parameters.fromBlock
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
        const floor = parameters.fromBlock ?? 0n
        next = last - depth > floor ? last - depth : floor
        seen = undefined
      }
      if (head.number < next) return
      const toBlock = head.number - next >= widest ? next + widest - 1n : head.number
      const to = toBlock === head.number ? head : await getBlock(client, { blockNumber: toBlock })
      const logs = await getLogs(client, { address: deployment.market, fromBlock: next, toBlock })
      if (!current()) return
      const events = parseEventLogs({ abi: marketAbi, logs }).flatMap((log): LeaseEvent[] => {
        if (!Object.hasOwn(types, log.eventName)) return []
        const type = types[log.eventName as keyof typeof types]
        return [
          { ...log.args, type, blockNumber: log.blockNumber, transaction: log.transactionHash } as LeaseEvent,
        ]
      })
      await onEvents(events, toBlock)
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
