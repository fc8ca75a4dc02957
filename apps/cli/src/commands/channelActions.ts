import { claimVouchers, closeChannel, confirm, finalizeClose, requestClose } from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import { getBlock } from 'viem/actions'
import { claimBatchChannels } from '../channels/claimBatchChannels.ts'
import { closeByConsent } from '../channels/closeByConsent.ts'
import { ChannelMissingError, ChannelSchemeError, ChannelStateError } from '../channels/errors.ts'
import type { BatchHomeChannel } from '../channels/findBatchChannels.ts'
import {
  type AnyChannel,
  claimable,
  findChannel,
  findChannels,
  type HomeChannel,
} from '../channels/findChannels.ts'
import { leaveBatchChannel, refundBatchChannel } from '../channels/leaveBatchChannel.ts'
import { channelToJson, isOwnedBy, payeeOf, viewChannel } from '../channels/viewChannel.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput, type Output } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import type { GlobalFlags } from './flags.ts'

export interface ChannelLsFlags extends GlobalFlags {
  readonly all?: boolean
}

export async function listChannels(flags: ChannelLsFlags): Promise<void> {
  const connection = await connect(flags)
  const { currency } = connection
  const all = await findChannels(connection)
  const channels = flags.all === true ? all : all.filter((known) => viewChannel(known).state !== 'none')
  const amount = (value: bigint) => formatAmount(value, currency)
  const table = formatTable(
    [
      { head: 'ID', of: ({ id }: AnyChannel) => id.slice(0, 14) },
      { head: 'BY', of: ({ scheme }) => (scheme === 'stream' ? 'stream' : 'batch') },
      { head: 'AS', of: ({ side }) => side },
      { head: 'WITH', of: otherSide },
      { head: 'STATE', of: (known) => viewChannel(known).state },
      { head: 'DEPOSIT', of: (known) => amount(viewChannel(known).deposit), align: 'right' },
      { head: 'PROMISED', of: ({ promised }) => amount(promised), align: 'right' },
      { head: 'CLAIMED', of: (known) => amount(viewChannel(known).claimed), align: 'right' },
    ],
    channels,
  )
  createOutput(flags.json === true).result(
    { channels: channels.map(channelToJson) },
    channels.length === 0 ? 'There is no channel. The first paid call opens one: millrace pay <url>' : table,
  )
}

export async function showChannel(prefix: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const sides = await findChannel(connection, prefix)
  const texts = sides.map((known) => describeChannel(known, connection.currency))
  createOutput(flags.json === true).result({ channels: sides.map(channelToJson) }, texts.join('\n'))
}

/** All that is known of a channel, for people. */
function describeChannel(known: AnyChannel, currency: Currency): string {
  const { id, scheme, side, promised, charged } = known
  const amount = (value: bigint) => formatAmount(value, currency)
  const view = viewChannel(known)
  const { payer, signer, state, closesAt, closeDelay, deposit, claimed } = view
  const until = closesAt === 0 ? '' : `, ends from ${new Date(closesAt * 1000).toISOString()}`
  const life = known.scheme === 'stream' ? `, epoch ${known.onChain.epoch}` : ''
  const due = side === 'payee' ? `, ${amount(claimable(known))} can be claimed` : ''
  const coming =
    known.scheme === 'batch-settlement' && known.pending !== null
      ? `, ${amount(known.pending.amount)} more were signed and are not there yet`
      : ''
  return [
    `Channel ${id}, as ${side}, by ${scheme}`,
    `  payer     ${payer}${isAddressEqual(signer, payer) ? '' : `, signed by ${signer}`}`,
    `  payee     ${payeeOf(view)}`,
    `  state     ${state}${until}${life}, close delay ${closeDelay} s`,
    `  deposit   ${amount(deposit)}${coming}`,
    `  promised  ${amount(promised)}, charged ${amount(charged)}`,
    `  claimed   ${amount(claimed)}${due}`,
    ...(known.service === null ? [] : [`  last paid ${known.service}`]),
  ].join('\n')
}

export async function claimChannels(prefix: string | undefined, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const { deployment, currency } = connection
  const known = prefix === undefined ? await findChannels(connection) : await findChannel(connection, prefix)
  const due = known.filter((each) => claimable(each) > 0n)
  if (due.length === 0)
    return output.result({ channels: [], amount: 0n, transactions: [] }, 'Nothing is due.')
  const seller = await openAccount(connection, flags)
  const transactions: string[] = []
  const own = due.flatMap((each) => (each.scheme === 'stream' && each.best !== null ? [each.best] : []))
  // A hundred claims fit one transaction.
  for (let at = 0; at < own.length; at += 100) {
    const transaction = await claimVouchers(seller.client, { deployment, claims: own.slice(at, at + 100) })
    await confirm(seller.client, transaction)
    transactions.push(transaction)
  }
  const batched = due.flatMap((each) => (each.scheme === 'batch-settlement' ? [each] : []))
  if (batched.length > 0)
    transactions.push(...(await claimBatchChannels(connection, { seller, due: batched })))
  const amount = due.reduce((sum, each) => sum + claimable(each), 0n)
  output.result(
    { channels: due.map(({ id }) => id), amount, transactions },
    `Claimed ${formatAmount(amount, currency)} on ${due.length === 1 ? 'one channel' : `${due.length} channels`}.`,
  )
}

/** As payer, asks the seller for what it did not charge; the channel stays open. */
export async function refundChannel(
  prefix: string,
  text: string | undefined,
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const { currency } = connection
  const known = (await findChannel(connection, prefix)).find(({ side }) => side === 'payer')
  if (known === undefined) throw new ChannelMissingError({ prefix, network: connection.network })
  const { id, scheme } = known
  if (known.scheme !== 'batch-settlement')
    throw new ChannelSchemeError({
      ...{ channel: id, scheme, action: 'refunded while it stays open' },
      remedy: 'End it: `millrace channel close` gives the rest back at once.',
    })
  const payer = await openAccount(connection, flags)
  const wanted = text === undefined ? {} : { amount: parseAmount(text, currency) }
  const { transaction, amount } = await refundBatchChannel(connection, { known, payer, ...wanted })
  createOutput(flags.json === true).result(
    { channel: id, amount, transaction },
    `${formatAmount(amount, currency)} of channel ${id} are back in the wallet.`,
  )
}

export async function endChannel(prefix: string, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const sides = await findChannel(connection, prefix)
  const payer = await openAccount(connection, flags)
  const { account, client } = payer
  // Who is both ends the channel as payee: that takes no waiting.
  const known = sides.toReversed().find((each) => isOwnedBy(each, account.address)) ?? sides[0]
  if (known === undefined) return
  if (known.scheme === 'batch-settlement') return endBatchChannel(connection, { known, payer, output })
  const { id, side, channel, best, onChain } = known
  const { deployment, currency } = connection
  if (onChain.state === 'none')
    throw new ChannelStateError({ channel: id, state: 'closed', action: 'closed' })
  if (side === 'payee') {
    const last = best === null || claimable(known) === 0n ? {} : { last: best }
    const transaction = await closeChannel(client, { deployment, channel, ...last })
    await confirm(client, transaction)
    return output.result(
      { channel: id, state: 'none', transaction },
      `Channel ${id} is closed; what was promised is claimed, the rest is the payer's again.`,
    )
  }
  if (onChain.state === 'open') {
    const asked = await closeByConsent(connection, { known, payer })
    if (asked.type === 'closed') {
      const { transaction, claimed } = asked
      return output.result(
        { channel: id, state: 'none', transaction, claimed },
        `The seller agreed: channel ${id} is closed with ${formatAmount(claimed, currency)} paid in all; the rest is back in the till account.`,
      )
    }
    const transaction = await requestClose(client, { deployment, channel })
    await confirm(client, transaction)
    const { reason } = asked
    return output.result(
      { channel: id, state: 'closing', transaction, reason },
      `${reason}\nThe end of channel ${id} is announced. In ${channel.closeDelay} s: millrace channel close ${id.slice(0, 14)}`,
    )
  }
  await requireOver(connection, known)
  const transaction = await finalizeClose(client, { deployment, channel })
  await confirm(client, transaction)
  output.result(
    { channel: id, state: 'none', transaction },
    `Channel ${id} is closed; what was not claimed is back in the till account.`,
  )
}

async function endBatchChannel(
  connection: Connection,
  of: { readonly known: BatchHomeChannel; readonly payer: OpenAccount; readonly output: Output },
): Promise<void> {
  const { known, payer, output } = of
  const { id, side, scheme, config } = known
  if (side === 'payee')
    throw new ChannelSchemeError({
      ...{ channel: id, scheme, action: 'ended by who is paid' },
      remedy: 'Its payer ends it; claim what is due: `millrace channel claim`.',
    })
  const left = await leaveBatchChannel(connection, { known, payer })
  const { transaction } = left
  if (left.type === 'announced') {
    const { reason } = left
    return output.result(
      { channel: id, state: 'closing', transaction, reason },
      `${reason}\nThe end of channel ${id} is announced. In ${config.withdrawDelay} s: millrace channel close ${id.slice(0, 14)}`,
    )
  }
  const { amount } = left
  const who = left.type === 'refunded' ? 'The seller agreed: ' : ''
  output.result(
    { channel: id, state: 'none', transaction, amount },
    `${who}${formatAmount(amount, connection.currency)} of channel ${id} are back in the wallet.`,
  )
}

/** The delay is over by the chain's clock. */
async function requireOver({ client }: Connection, { id, onChain }: HomeChannel): Promise<void> {
  const { timestamp } = await getBlock(client)
  if (timestamp >= BigInt(onChain.closesAt)) return
  throw new ChannelStateError({ channel: id, state: 'closing', action: 'ended', until: onChain.closesAt })
}

const otherSide = (known: AnyChannel) => {
  const view = viewChannel(known)
  return known.side === 'payer' ? payeeOf(view) : view.payer
}
