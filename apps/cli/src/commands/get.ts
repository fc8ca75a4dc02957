import { resolve } from 'node:path'
import { LeaseStateError } from '../jobs/errors.ts'
import { fetchOutputs } from '../jobs/fetchOutputs.ts'
import { openJobSession } from '../jobs/jobSession.ts'
import { shortLease } from '../jobs/order.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { openOrderContext } from './orderContext.ts'
import { jobReporter } from './reportJob.ts'

export type GetFlags = GlobalFlags

export async function runGet(
  { lease: prefix, folder: wanted }: { readonly lease: string; readonly folder: string | undefined },
  flags: GetFlags,
): Promise<void> {
  const output = createOutput(flags.json === true)
  const report = jobReporter(output)
  const context = await openOrderContext(prefix, flags, (event) => {
    if (event.event === 'downloading') report(event)
  })
  const { order, connection, buyer } = context
  const folder = wanted === undefined ? order.state.terms.outputDir : resolve(wanted)
  try {
    const session = await openJobSession(connection, { terms: order.state.terms, account: buyer.account })
    try {
      const files = await fetchOutputs(context, order, { session, folder })
      if (files === null)
        throw new LeaseStateError({ lease: order.lease, state: 'without outputs yet', action: 'fetched' })
      output.result(
        { event: 'outputs', lease: order.lease, folder, files },
        files.length === 0
          ? `Job ${shortLease(order.lease)} left no outputs.`
          : `${files.map(({ path }) => `${folder}/${path}`).join('\n')}`,
      )
    } finally {
      session.close()
    }
  } finally {
    order.close()
  }
  setImmediate(() => process.exit())
}
