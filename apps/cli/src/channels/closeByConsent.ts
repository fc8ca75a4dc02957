import { dirname, join } from 'node:path'
import { type ChannelWallet, openBudget, openChannelWallet } from '@millrace/pay'
import { type Channel, closeChannelFor, confirm, getChannel, MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlock } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import type { NamedServers } from '../mcp/connectTools.ts'
import { openPurse, purseFiles } from '../paying/openPurse.ts'
import { askSeller } from './askSeller.ts'
import type { HomeChannel } from './findChannels.ts'

/** What became of asking. */
export type ConsentOutcome =
  | { readonly type: 'closed'; readonly transaction: Hash; readonly claimed: bigint }
  | { readonly type: 'refused'; readonly reason: string }

/** Seconds for which the seller's signature is to be good, less than the 300 that sellers take. */
const life = 240

/**
 * Asks the seller of a channel, where it was last paid, to end it at what was charged, and closes it with the seller's signature.
 *
 * @returns The transaction, or why there is none: then nothing has changed.
 * @throws PayerBusyError, JournalInUseError while somebody pays on it
 */
export async function closeByConsent(
  connection: Connection,
  options: { readonly known: HomeChannel; readonly payer: OpenAccount },
): Promise<ConsentOutcome> {
  const { known, payer } = options
  const { channel, service, file } = known
  const own = purseFiles(connection, payer.account.address).channels
  const purse =
    file === null || file === own
      ? await openPurse(connection, { payer, perPayment: 0n })
      : await openToolPurse(connection, { file, payer })
  try {
    return await agreeToClose(connection, {
      ...{ channels: purse.channels, channel, service, payer, servers: new Map() },
    })
  } finally {
    await purse.close()
  }
}

/** What an MCP server paid from, while it does not run. Ending a channel spends nothing. */
async function openToolPurse(
  { deployment, currency, client }: Connection,
  { file, payer }: { readonly file: string; readonly payer: OpenAccount },
) {
  const budget = await openBudget({ path: join(dirname(file), 'budget.jsonl'), limits: { lifetime: 0n } })
  const channels = await openChannelWallet({
    ...{ path: file, deployment, currency, budget, payer: payer.account, maxDeposit: 0n },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  return {
    channels,
    async close() {
      await channels.close()
      await budget.close()
    },
  }
}

/**
 * Asks the seller of a channel of an open wallet for its end, and closes it with the seller's signature.
 *
 * @returns The transaction, or why there is none: then nothing has changed.
 */
export async function agreeToClose(
  { client, deployment }: Connection,
  wish: {
    readonly channels: ChannelWallet
    readonly channel: Channel
    readonly service: string | null
    readonly payer: OpenAccount
    readonly servers: NamedServers
  },
): Promise<ConsentOutcome> {
  const { channels, channel, service, payer, servers } = wish
  if (service === null || !/^\S+ https?:/.test(service))
    return { type: 'refused', reason: 'It is not known where the seller can be asked.' }
  try {
    const { timestamp } = await getBlock(client)
    const until = Math.max(Number(timestamp), Math.floor(Date.now() / 1000)) + life
    const agreed = await askSeller({ channels, channel, service, until, servers })
    const transaction =
      agreed.transaction ?? (await closeChannelFor(payer.client, { deployment, ...agreed, channel }))
    await confirm(payer.client, transaction)
    await agreed.over()
    return { type: 'closed', transaction, claimed: agreed.claimed }
  } catch (error) {
    if (error instanceof MillraceError) return { type: 'refused', reason: error.message }
    if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error
    return { type: 'refused', reason: `The seller at '${service.split(' ')[1]}' cannot be reached.` }
  }
}
