import { shortLease } from '../jobs/order.ts'
import { stopOrder } from '../jobs/stopOrder.ts'
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
    const { order } = context
    try {
      const stopped = await stopOrder(context, order, 'stopped by `millrace stop`')
      const { seconds, paid, refunded, receipt, outputs, problem, currency } = stopped
      output.result(
        { lease: order.lease, seconds, paid, refunded, receipt, files: outputs.files.length, problem },
        `Lease ${shortLease(order.lease)} is stopped: ${seconds} s, ${formatAmount(paid, currency)} paid, ${formatAmount(refunded, currency)} came back.${outputs.files.length === 0 ? '' : ` ${outputs.files.length} file(s) in ${outputs.folder}.`}${problem === null ? '' : ` ${problem}`}`,
      )
    } finally {
      order.close()
    }
  }
  setImmediate(() => process.exit())
}
