import { getBalance } from '@millrace/sdk'
import { formatEther } from 'viem'
import { getBalance as getCoins } from 'viem/actions'
import * as z from 'zod'
import { listOrders, offerOf, shortLease } from '../../jobs/order.ts'
import { formatAmount } from '../../output/amounts.ts'
import type { McpContext } from '../mcpContext.ts'
import { leftOf } from '../spendingLimit.ts'
import { defineTool, type Tool } from '../tool.ts'

/** `balance`, `budget`, `receipts`: what there is, what may be spent, what was. */
export function accountTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, limit, channels, batch } = context
  const { currency, deployment, client } = connection
  const money = (amount: bigint) => formatAmount(amount, currency)
  const balance = defineTool({
    name: 'balance',
    title: 'Balance',
    isReadOnly: true,
    description:
      'Shows the account, its money in the wallet and in the till, and its coins for transactions.',
    input: z.strictObject({}),
    output: z.strictObject({
      account: z.string(),
      network: z.string(),
      wallet: z.string(),
      till: z.string(),
      coins: z.string(),
    }),
    async call() {
      const account = buyer.account.address
      const [held, coins] = await Promise.all([
        getBalance(client, { deployment, account, currency: currency.address }),
        getCoins(client, { address: account }),
      ])
      const value = {
        ...{ account, network: connection.network },
        ...{ wallet: money(held.wallet), till: money(held.till), coins: formatEther(coins) },
      }
      return { value, text: `${account}: ${value.wallet} in the wallet, ${value.till} in the till.` }
    },
  })
  const budget = defineTool({
    name: 'budget',
    title: 'Budget',
    isReadOnly: true,
    description:
      'Shows the spending limit, what is spent and reserved, and what is left. No tool can raise it.',
    input: z.strictObject({}),
    output: z.strictObject({
      total: z.string(),
      per_payment: z.string(),
      spent: z.string(),
      reserved: z.string(),
      left: z.string(),
    }),
    async call() {
      const { spent, reserved } = limit.budget.state()
      const value = {
        ...{ total: money(limit.total), per_payment: money(limit.perPayment) },
        ...{ spent: money(spent), reserved: money(reserved), left: money(leftOf(limit)) },
      }
      const text = `${value.left} left of ${value.total}: ${value.spent} spent, ${value.reserved} reserved. One payment may cost at most ${value.per_payment}.`
      return { value, text }
    },
  })
  const receipts = defineTool({
    name: 'receipts',
    title: 'Receipts',
    isReadOnly: true,
    description:
      'Lists what was bought, newest first: leases with their receipts, and what was promised on channels.',
    input: z.strictObject({ limit: z.int().min(1).max(100).default(20) }),
    output: z.strictObject({
      leases: z.array(
        z.strictObject({
          lease: z.string(),
          name: z.string(),
          asset: z.string(),
          seconds: z.int(),
          paid: z.string().nullable().describe('`null` until it is settled.'),
          receipt: z.string().nullable().describe('File.'),
        }),
      ),
      channels: z.array(
        z.strictObject({ channel: z.string(), deposit: z.string(), signed: z.string(), charged: z.string() }),
      ),
    }),
    async call({ limit: most }) {
      const leases = listOrders(connection.paths)
        .filter(({ terms }) => terms.network === connection.network)
        .slice(0, most)
        .map(({ terms, settled, receipt }) => ({
          lease: terms.lease,
          name: terms.job.name,
          asset: offerOf(terms).offer.asset.toString(),
          seconds: settled?.seconds ?? 0,
          paid: settled === null ? null : formatAmount(settled.earned, terms.currency),
          receipt: receipt?.path ?? null,
        }))
      const further = (batch?.channels() ?? []).map((each) => ({ ...each, deposit: each.balance }))
      const promised = [...channels.channels(), ...further].map(({ id, deposit, signed, charged }) => ({
        ...{ channel: id, deposit: money(deposit) },
        ...{ signed: money(signed), charged: money(charged) },
      }))
      const lines = leases.map(
        ({ lease, name, seconds, paid, receipt }) =>
          `${shortLease(lease)} ${name}: ${seconds} s, ${paid ?? 'not settled'}${receipt === null ? '' : `, ${receipt}`}`,
      )
      const paid = promised.map(
        ({ channel, deposit, signed }) => `channel ${channel}: ${signed} promised of ${deposit}`,
      )
      const text = [...lines, ...paid].join('\n') || 'Nothing was hired or paid yet.'
      return { value: { leases, channels: promised }, text }
    },
  })
  return [balance, budget, receipts]
}
