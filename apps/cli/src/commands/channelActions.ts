import { claimVouchers, closeChannel, confirm, finalizeClose, requestClose } from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import { getBlock } from 'viem/actions'
import { closeByConsent } from '../channels/closeByConsent.ts'
import { ChannelStateError } from '../channels/errors.ts'
import { claimable, findChannel, findChannels, type HomeChannel } from '../channels/findChannels.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import type { GlobalFlags } from './flags.ts'

export interface ChannelLsFlags extends GlobalFlags {
  readonly all?: boolean
}

export async function listChannels(flags: ChannelLsFlags): Promise<void> {
  const connection = await connect(flags)
  const { currency } = connection
  const all = await findChannels(connection)
  const channels = flags.all === true ? all : all.filter(({ onChain }) => onChain.state !== 'none')
  const amount = (value: bigint) => formatAmount(value, currency)
  const table = formatTable(
    [
      { head: 'ID', of: ({ id }: HomeChannel) => id.slice(0, 14) },
      { head: 'AS', of: ({ side }) => side },
      { head: 'WITH', of: otherSide },
      { head: 'STATE', of: ({ onChain }) => onChain.state },
      { head: 'DEPOSIT', of: ({ onChain }) => amount(onChain.deposit), align: 'right' },
      { head: 'PROMISED', of: ({ promised }) => amount(promised), align: 'right' },
      { head: 'CLAIMED', of: ({ onChain }) => amount(onChain.claimed), align: 'right' },
    ],
    channels,
  )
  createOutput(flags.json === true).result(
    { channels: channels.map(viewOf) },
    channels.length === 0 ? 'There is no channel. The first paid call opens one: millrace pay <url>' : table,
  )
}

export async function showChannel(prefix: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { currency } = connection
  const sides = await findChannel(connection, prefix)
  const amount = (value: bigint) => formatAmount(value, currency)
  const texts = sides.map((known) => {
    const { id, side, channel, promised, charged, onChain } = known
    const until =
      onChain.closesAt === 0 ? '' : `, ends from ${new Date(onChain.closesAt * 1000).toISOString()}`
    return [
      `Channel ${id}, as ${side}`,
      `  payer     ${channel.payer}${isAddressEqual(channel.signer, channel.payer) ? '' : `, signed by ${channel.signer}`}`,
      `  payee     ${payeeOf(known)}`,
      `  state     ${onChain.state}${until}, epoch ${onChain.epoch}, close delay ${channel.closeDelay} s`,
      `  deposit   ${amount(onChain.deposit)}`,
      `  promised  ${amount(promised)}, charged ${amount(charged)}`,
      `  claimed   ${amount(onChain.claimed)}${side === 'payee' ? `, ${amount(claimable(known))} can be claimed` : ''}`,
    ].join('\n')
  })
  createOutput(flags.json === true).result({ channels: sides.map(viewOf) }, texts.join('\n'))
}

export async function claimChannels(prefix: string | undefined, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const { deployment, currency } = connection
  const known = prefix === undefined ? await findChannels(connection) : await findChannel(connection, prefix)
  const due = known.filter((each) => claimable(each) > 0n)
  if (due.length === 0)
    return output.result({ channels: [], amount: 0n, transactions: [] }, 'Nothing is due.')
  const { client } = await openAccount(connection, flags)
  const transactions: string[] = []
  // A hundred claims fit one transaction.
  for (let at = 0; at < due.length; at += 100) {
    const claims = due.slice(at, at + 100).flatMap(({ best }) => (best === null ? [] : [best]))
    const transaction = await claimVouchers(client, { deployment, claims })
    await confirm(client, transaction)
    transactions.push(transaction)
  }
  const amount = due.reduce((sum, each) => sum + claimable(each), 0n)
  output.result(
    { channels: due.map(({ id }) => id), amount, transactions },
    `Claimed ${formatAmount(amount, currency)} on ${due.length === 1 ? 'one channel' : `${due.length} channels`}.`,
  )
}

export async function endChannel(prefix: string, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const sides = await findChannel(connection, prefix)
  const payer = await openAccount(connection, flags)
  const { account, client } = payer
  // Who is both ends the channel as payee: that takes no waiting.
  const ours = sides
    .toReversed()
    .find(({ side, channel }) =>
      isAddressEqual(account.address, side === 'payee' ? channel.payee : channel.payer),
    )
  const known = ours ?? sides[0]
  if (known === undefined) return
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

/** The delay is over by the chain's clock. */
async function requireOver({ client }: Connection, { id, onChain }: HomeChannel): Promise<void> {
  const { timestamp } = await getBlock(client)
  if (timestamp >= BigInt(onChain.closesAt)) return
  throw new ChannelStateError({ channel: id, state: 'closing', action: 'ended', until: onChain.closesAt })
}

const payeeOf = ({ channel }: HomeChannel) =>
  channel.asset === 0n ? channel.payee : `asset ${channel.asset}`
const otherSide = (known: HomeChannel) => (known.side === 'payer' ? payeeOf(known) : known.channel.payer)

const viewOf = (known: HomeChannel) => {
  const { id, side, channel, epoch, promised, charged, onChain } = known
  const { state, deposit, claimed, closesAt } = onChain
  return {
    ...{ id, side, ...channel, epoch, state, deposit, promised, charged, claimed, closesAt },
    claimable: claimable(known),
  }
}
