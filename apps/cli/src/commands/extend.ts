import { confirm, extendLease, getLease, priceUp } from '@millrace/sdk'
import { UsageError } from '../errors/input.ts'
import { LeaseStateError } from '../jobs/errors.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { unixNow } from '../jobs/jobContext.ts'
import { offerOf, shortLease } from '../jobs/order.ts'
import { formatAmount } from '../output/amounts.ts'
import { askToAgree } from '../output/ask.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { openOrderContext } from './orderContext.ts'

export interface ExtendFlags extends GlobalFlags {
  readonly yes?: boolean
}

export async function runExtend(
  { lease: prefix, added }: { readonly lease: string; readonly added: number },
  flags: ExtendFlags,
): Promise<void> {
  const output = createOutput(flags.json === true)
  const context = await openOrderContext(prefix, flags)
  const { order, connection, buyer } = context
  try {
    const { deployment, client } = connection
    const { currency } = order.state.terms
    const lease = await getLease(client, { deployment, lease: order.lease })
    if (lease?.state !== 'running' || unixNow() >= lease.endsAt)
      throw new LeaseStateError({
        lease: order.lease,
        state: lease === null ? 'not open' : lease.state === 'running' ? 'over' : lease.state,
        action: 'extended',
      })
    const bought = lease.endsAt - lease.startedAt
    if (bought + added > lease.maxDuration)
      throw new UsageError({
        message: `This lease can last ${formatDuration(lease.maxDuration)} in all; ${formatDuration(bought)} are bought.`,
        remedy: `Extend by at most ${lease.maxDuration - bought}s.`,
      })
    const deposit = priceUp(lease.pricePerHour, bought + added)
    const cost = deposit - lease.deposit
    if (!output.json)
      output.line(
        `Extending lease ${shortLease(order.lease)} by ${formatDuration(added)} costs at most ${formatAmount(cost, currency)}.`,
      )
    await askToAgree('Extend it?', flags)
    const published = offerOf(order.state.terms)
    await depositShortfall(connection, {
      buyer,
      currency: await connection.currencyOf(published.currency),
      needed: cost,
    })
    await confirm(buyer.client, await extendLease(buyer.client, { deployment, lease: order.lease, added }))
    order.note({ type: 'extended', at: unixNow(), added, maxCost: deposit.toString() })
    const endsAt = lease.endsAt + added
    output.result(
      { lease: order.lease, added, cost, deposit, endsAt },
      `Lease ${shortLease(order.lease)} now ends in ${formatDuration(endsAt - unixNow())} at the latest.`,
    )
  } finally {
    order.close()
  }
}
