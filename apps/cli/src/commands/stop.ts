import { getLease } from '@millrace/sdk'
import { settleOrderLease, stopOrderLease } from '../jobs/closeLease.ts'
import { LeaseStateError } from '../jobs/errors.ts'
import { finishOrder } from '../jobs/finishOrder.ts'
import { unixNow } from '../jobs/jobContext.ts'
import { shortLease } from '../jobs/order.ts'
import { formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { openOrderContext } from './orderContext.ts'

export type StopFlags = GlobalFlags

/** Stops leases at this second, and does what is to be done after a job: outputs, settlement, receipt. */
export async function runStop(prefixes: readonly string[], flags: StopFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  for (const prefix of prefixes) {
    const context = await openOrderContext(prefix, flags)
    const { order, connection } = context
    try {
      const { deployment, client } = connection
      const lease = await getLease(client, { deployment, lease: order.lease })
      if (lease === null || lease.state === 'settled')
        throw new LeaseStateError({
          lease: order.lease,
          state: lease === null ? 'not open' : 'settled already',
          action: 'stopped',
        })
      // Money first; the machine is asked for the rest afterwards.
      await stopOrderLease(context, order, 'stopped by `millrace stop`')
      const { seconds, paid, refunded, receipt, outputs, problem } =
        lease.startedAt === 0
          ? await giveBackUnstarted()
          : await finishOrder(context, order, 'stopped by `millrace stop`')
      const { currency } = order.state.terms
      output.result(
        { lease: order.lease, seconds, paid, refunded, receipt, files: outputs.files.length, problem },
        `Lease ${shortLease(order.lease)} is stopped: ${seconds} s, ${formatAmount(paid, currency)} paid, ${formatAmount(refunded, currency)} came back.${outputs.files.length === 0 ? '' : ` ${outputs.files.length} file(s) in ${outputs.folder}.`}${problem === null ? '' : ` ${problem}`}`,
      )
      async function giveBackUnstarted() {
        const { earned, refunded, seconds } = await settleOrderLease(context, order)
        order.note({ type: 'abandoned', at: unixNow(), reason: 'stopped before it began' })
        return {
          seconds,
          paid: earned,
          refunded,
          receipt: null,
          outputs: { files: [], folder: '' },
          problem: null,
        }
      }
    } finally {
      order.close()
    }
  }
  setImmediate(() => process.exit())
}
