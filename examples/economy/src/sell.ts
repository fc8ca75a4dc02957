import { join } from 'node:path'
import { type Ledger, openLedger, streamScheme } from '@millrace/pay'
import { closeChannel, getChannel, signVoucher } from '@millrace/sdk'
import { zeroHash } from 'viem'
import type { Agent, Purse } from './createAgent.ts'
import { BooksDifferError } from './errors.ts'

/** Opens the channel books of an agent that is paid into an asset's till. */
export async function openTillLedger(agent: Agent, asset: bigint) {
  const { deployment, currency, client } = agent.network
  const ledger = await openLedger({
    ...deployment,
    path: join(agent.folder, 'ledger.jsonl'),
    payee: { asset },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  // Small deposits, so that some of them are topped up on the way.
  return { ledger, scheme: streamScheme({ ledger, deployment, currency, deposit: 20_000n }) }
}

/**
 * Ends all channels of two parties together: the payer signs for what was charged and no more, the payee claims it, and the rest
 * goes back at once.
 *
 * @param payee Operates the asset that is paid.
 * @param options The payee's books, and who paid.
 * @returns What was charged on them in all, in base units.
 * @throws BooksDifferError
 */
export async function closeTogether(
  payee: Agent,
  options: { readonly ledger: Ledger; readonly payer: Agent; readonly purse: Purse },
): Promise<bigint> {
  const { deployment, client } = payee.network
  const { ledger, payer, purse } = options
  let sum = 0n
  for (const { id, channel, epoch, charged } of purse.channels.channels()) {
    const book = ledger.book(id)
    if (book === undefined) continue
    if (book.spent !== charged) throw new BooksDifferError({ channel: id, payer: charged, payee: book.spent })
    sum += charged
    const voucher = {
      ...{ channel: id, epoch, cumulative: charged, terms: zeroHash },
      ...{ anchor: zeroHash, tickPrice: 0n, maxTicks: 0 },
    }
    const { claimed } = await getChannel(client, { deployment, channel: id })
    const signature = await signVoucher(payer.account, voucher, deployment)
    // What was claimed on the way is claimed; a voucher for it brings nothing.
    const last = claimed < charged ? { last: { voucher, signature } } : {}
    await payee.act((wallet) => closeChannel(wallet, { deployment, channel, ...last }))
  }
  return sum
}
