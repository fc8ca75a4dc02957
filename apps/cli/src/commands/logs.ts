import { createReadStream, existsSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { SessionRequestError } from '@millrace/sdk'
import { homePaths } from '../home/homePaths.ts'
import { followJob } from '../jobs/followJob.ts'
import { openJobSession } from '../jobs/jobSession.ts'
import { findLease, openOrder } from '../jobs/order.ts'
import { createOutput, type Output } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { openOrderContext } from './orderContext.ts'
import { jobReporter } from './reportJob.ts'

export interface LogsFlags extends GlobalFlags {
  readonly follow?: boolean
}

/**
 * Prints a job's log: what is here already, then what the machine has more of. A log that is complete here needs no
 * machine and no passphrase.
 */
export async function runLogs(prefix: string, flags: LogsFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const paths = homePaths()
  const kept = openOrder(paths, findLease(paths, prefix))
  const { ended } = kept.state
  const file = kept.file('log')
  kept.close()
  await printKept(file, output)
  if (ended !== null) return leave()

  const report = jobReporter(output)
  const leaving = new AbortController()
  process.once('SIGINT', () => leaving.abort())
  const context = {
    ...(await openOrderContext(prefix, flags, (event) => {
      // The order's owner may be another process that still runs: only the log is ours to show.
      if (event.event === 'log' || event.event === 'reconnecting') report(event)
    })),
    detach: leaving.signal,
  }
  try {
    if (flags.follow === true) await followJob(context, context.order)
    else await printRest(context)
  } catch (error) {
    if (!leaving.signal.aborted) throw error
  } finally {
    context.order.close()
  }
  leave()
}

/** What the machine has at this moment beyond what is here. */
async function printRest(context: Awaited<ReturnType<typeof openOrderContext>>): Promise<void> {
  const { order, connection, buyer, onEvent } = context
  const session = await openJobSession(connection, { terms: order.state.terms, account: buyer.account })
  try {
    const from = existsSync(order.file('log')) ? statSync(order.file('log')).size : 0
    const over = new Promise<void>((resolve) => session.on('log.end', () => resolve()))
    session.on('log', ({ offset, stream }, bytes) => {
      if (typeof offset !== 'number' || (stream !== 'stdout' && stream !== 'stderr' && stream !== 'system'))
        return
      onEvent({ event: 'log', lease: order.lease, offset, stream, bytes, ms: 0 })
    })
    await session.request('logs.read', { from, follow: false })
    await Promise.race([over, session.closed])
  } catch (error) {
    if (!(error instanceof SessionRequestError)) throw error
  } finally {
    session.close()
  }
}

async function printKept(file: string, output: Output): Promise<void> {
  if (!existsSync(file)) return
  if (!output.json) return pipeline(createReadStream(file), process.stdout, { end: false })
  let offset = 0
  for await (const chunk of createReadStream(file)) {
    output.event({ event: 'log', offset, text: Buffer.from(chunk).toString('utf8') })
    offset += chunk.length
  }
}

const leave = () => {
  setImmediate(() => process.exit())
}
