import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { repeat } from '../transactions/repeat.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { ChannelState } from './channelState.ts'
import { getChannel } from './getChannel.ts'

/** How a channel is watched. */
export interface WatchChannelParameters {
  readonly deployment: Deployment
  /** Id of the channel. */
  readonly channel: Hash
  /** Told once where it stands at first, and then each change, also one that a reorganisation made. */
  readonly onChannel: (state: ChannelState) => void
  /** Told of chains that fail or stall; watching goes on. */
  readonly onError?: (error: unknown) => void
  /** Milliseconds between looks. Default 1000. */
  readonly interval?: number
  /** Milliseconds after which a look is given up. Default 10 000. */
  readonly timeout?: number
}

/**
 * Watches a channel by looking at it again and again; survives an RPC that fails or stalls. A payee that has many looks at their
 * events with `watchChannels`.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, channel, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @example
 * const stop = watchChannel(client, { deployment, channel: id, onChannel: ({ state }) => console.log(state) })
 */
export function watchChannel(client: ReadClient, parameters: WatchChannelParameters): () => void {
  const { deployment, channel, onChannel, onError, interval = 1000, timeout = 10_000 } = parameters
  let last: string | undefined
  return repeat(
    async (current) => {
      const seen = await getChannel(client, { deployment, channel })
      const shape = JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
      if (!current() || shape === last) return
      last = shape
      onChannel(seen)
    },
    { interval, timeout, onError },
  )
}
