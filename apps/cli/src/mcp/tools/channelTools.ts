import { confirm, finalizeClose, requestClose } from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import { getBlock } from 'viem/actions'
import * as z from 'zod'
import { agreeToClose } from '../../channels/closeByConsent.ts'
import { ChannelMissingError, ChannelStateError } from '../../channels/errors.ts'
import { findChannel, type HomeChannel } from '../../channels/findChannels.ts'
import { leaveBatchChannel } from '../../channels/leaveBatchChannel.ts'
import { viewChannel } from '../../channels/viewChannel.ts'
import { formatAmount } from '../../output/amounts.ts'
import type { McpContext } from '../mcpContext.ts'
import { defineTool, type Tool } from '../tool.ts'

/** What became of a channel. */
interface Closed {
  readonly state: 'none' | 'closing'
  readonly transaction: string
  /** Why it takes the delay, where the seller did not agree. */
  readonly reason: string | null
}

/** `close_channel`: ends a channel that was paid on from this server. */
export function channelTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, channels, batch, servers } = context
  const { client, deployment, currency } = connection

  async function closeOwn(known: HomeChannel): Promise<Closed> {
    const { id, channel, service, onChain } = known
    if (onChain.state === 'none')
      throw new ChannelStateError({ channel: id, state: 'closed', action: 'closed' })
    if (onChain.state === 'closing') {
      const { timestamp } = await getBlock(client)
      if (timestamp < BigInt(onChain.closesAt))
        throw new ChannelStateError({
          ...{ channel: id, state: 'closing', action: 'ended', until: onChain.closesAt },
        })
      const transaction = await finalizeClose(buyer.client, { deployment, channel })
      await confirm(buyer.client, transaction)
      return { state: 'none', transaction, reason: null }
    }
    const agreed = await agreeToClose(connection, { channels, channel, service, payer: buyer, servers })
    if (agreed.type === 'closed') return { state: 'none', transaction: agreed.transaction, reason: null }
    const transaction = await requestClose(buyer.client, { deployment, channel })
    await confirm(buyer.client, transaction)
    return { state: 'closing', transaction, reason: agreed.reason }
  }

  const close = defineTool({
    name: 'close_channel',
    title: 'Close a channel',
    isReadOnly: false,
    description:
      'Ends a channel that was paid on, so that the rest of its deposit comes back: at once if the seller agrees, which is asked where it sells ' +
      '(HTTP, MCP, A2A); else the end is announced, and the same call completes it after the delay. `receipts` lists channels.',
    input: z.strictObject({
      channel: z
        .string()
        .regex(/^0x[0-9a-fA-F]{4,64}$/)
        .describe('Its id, or a unique beginning.'),
    }),
    output: z.strictObject({
      channel: z.string(),
      state: z.enum(['none', 'closing']),
      transaction: z.string(),
      reason: z.string().nullable(),
      close_delay_seconds: z.int(),
    }),
    async call({ channel: prefix }) {
      const sides = await findChannel(connection, prefix)
      const known = sides.find(
        (each) => each.side === 'payer' && isAddressEqual(viewChannel(each).payer, buyer.account.address),
      )
      if (known === undefined) throw new ChannelMissingError({ prefix, network: connection.network })
      const { closeDelay, deposit, claimed } = viewChannel(known)
      let closed: Closed
      if (known.scheme === 'stream') closed = await closeOwn(known)
      else {
        const left = await leaveBatchChannel(connection, { known, payer: buyer, batch })
        const { transaction } = left
        closed =
          left.type === 'announced'
            ? { state: 'closing', transaction, reason: left.reason }
            : { state: 'none', transaction, reason: null }
      }
      const text =
        closed.state === 'none'
          ? `Channel ${known.id} is closed; what was not paid of ${formatAmount(deposit - claimed, currency)} is back.`
          : `${closed.reason} The end of channel ${known.id} is announced; call again in ${closeDelay} s.`
      return { value: { channel: known.id, ...closed, close_delay_seconds: closeDelay }, text }
    },
  })
  return [close]
}
