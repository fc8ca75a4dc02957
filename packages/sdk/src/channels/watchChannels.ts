import { type Hash, parseEventLogs } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type WatchLogsOptions, watchLogs } from '../transactions/watchLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { Channel } from './channel.ts'

/** Something that happened to a channel. Amounts in base units, times in Unix seconds. */
export type ChannelEvent = {
  /** Id of the channel. */
  readonly channel: Hash
  readonly blockNumber: bigint
  readonly transaction: Hash
} & (
  | {
      readonly type: 'opened'
      /** What it is between. */
      readonly parties: Channel
      readonly epoch: bigint
      readonly deposit: bigint
    }
  | {
      readonly type: 'toppedUp'
      readonly amount: bigint
      readonly deposit: bigint
      /** 0 where no close is requested, or this called it off. */
      readonly closesAt: number
    }
  | { readonly type: 'claimed'; readonly amount: bigint; readonly claimed: bigint }
  | { readonly type: 'closeRequested'; readonly closesAt: number }
  | {
      readonly type: 'closed'
      /** The epoch that is over. */
      readonly epoch: bigint
      /** All that the payee got, a last voucher included, for which there is no event of its own. */
      readonly claimed: bigint
      readonly refunded: bigint
    }
)

/** How channels are watched. */
export interface WatchChannelsParameters extends WatchLogsOptions {
  readonly deployment: Deployment
  /**
   * Told of events in order, at least once each: after a reorganisation the events of the last `depth` blocks are told
   * again, and an event that was undone is not taken back, so ask the chain before relying on one. If it throws, the same
   * events come again.
   */
  readonly onEvents: (events: readonly ChannelEvent[], upTo: bigint) => void | Promise<void>
}

const types = {
  ChannelOpened: 'opened',
  ChannelToppedUp: 'toppedUp',
  ChannelClaimed: 'claimed',
  CloseRequested: 'closeRequested',
  ChannelClosed: 'closed',
} as const

/**
 * Watches what happens to all channels, from the chain's events; survives reorganisations and an RPC that fails or stalls. A
 * payee learns here that someone asked for the end of a channel while it can still claim.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, first block, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @example
 * const stop = watchChannels(client, { deployment, onEvents: (events) => console.log(events.map(({ type }) => type)) })
 */
export function watchChannels(client: ReadClient, parameters: WatchChannelsParameters): () => void {
  const { deployment, onEvents, ...options } = parameters
  return watchLogs(client, deployment.channels, {
    ...options,
    onLogs: (logs, upTo) => {
      const events = parseEventLogs({ abi: channelsAbi, logs }).flatMap((log): ChannelEvent[] => {
        if (!Object.hasOwn(types, log.eventName)) return []
        const type = types[log.eventName as keyof typeof types]
        const { id: channel, ...args } = log.args as { readonly id: Hash }
        const place = { channel, blockNumber: log.blockNumber, transaction: log.transactionHash }
        if (log.eventName !== 'ChannelOpened') return [{ ...args, type, ...place } as ChannelEvent]
        const { id: _, epoch, deposit, ...parties } = log.args
        return [{ type: 'opened', parties, epoch, deposit, ...place }]
      })
      return onEvents(events, upTo)
    },
  })
}
