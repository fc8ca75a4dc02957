import { askToClose } from '@millrace/pay'
import { closeChannelFor, confirm, MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlock } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { openPurse } from '../paying/openPurse.ts'
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
 */
export async function closeByConsent(
  connection: Connection,
  options: { readonly known: HomeChannel; readonly payer: OpenAccount },
): Promise<ConsentOutcome> {
  const { known, payer } = options
  const { channel, service } = known
  const { client, deployment } = connection
  const [method = '', url = ''] = service?.split(' ') ?? []
  if (!/^https?:/.test(url))
    return { type: 'refused', reason: 'It is not known where the seller can be asked.' }
  try {
    const purse = await openPurse(connection, { payer, perPayment: 0n })
    try {
      const { timestamp } = await getBlock(client)
      const until = Math.max(Number(timestamp), Math.floor(Date.now() / 1000)) + life
      const { channels } = purse
      const agreed = await askToClose({ channels, channel, url, method, until, send: true })
      const transaction =
        agreed.transaction ?? (await closeChannelFor(payer.client, { deployment, ...agreed, channel }))
      await confirm(payer.client, transaction)
      await agreed.over()
      return { type: 'closed', transaction, claimed: agreed.claimed }
    } finally {
      await purse.close()
    }
  } catch (error) {
    if (error instanceof MillraceError) return { type: 'refused', reason: error.message }
    if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error
    return { type: 'refused', reason: `The seller at '${url}' cannot be reached.` }
  }
}
