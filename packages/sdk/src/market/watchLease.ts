import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { repeat } from '../transactions/repeat.ts'
import type { ReadClient } from '../transactions/write.ts'
import { getLease } from './getLease.ts'
import type { Lease } from './lease.ts'

/** How a lease is watched. */
export interface WatchLeaseParameters {
  readonly deployment: Deployment
  readonly lease: Hash
  /** Told once what it is at first, and then each change; `null` while it is not open, or after a reorganisation undid it. */
  readonly onLease: (lease: Lease | null) => void
  /** Told of chains that fail or stall; watching goes on. */
  readonly onError?: (error: unknown) => void
  /** Milliseconds between looks. Default 1000. */
  readonly interval?: number
  /** Milliseconds after which a look is given up. Default 10 000. */
  readonly timeout?: number
}

/**
 * Watches a lease by looking at it again and again; survives an RPC that fails or stalls.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, lease, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @example
 * const stop = watchLease(client, { deployment, lease, onLease: (now) => console.log(now?.state) })
 */
export function watchLease(client: ReadClient, parameters: WatchLeaseParameters): () => void {
  const { deployment, lease, onLease, onError, interval = 1000, timeout = 10_000 } = parameters
  let last: string | undefined
  return repeat(
    async (current) => {
      const seen = await getLease(client, { deployment, lease })
      const shape = JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
      if (!current() || shape === last) return
      last = shape
      onLease(seen)
    },
    { interval, timeout, onError },
  )
}
