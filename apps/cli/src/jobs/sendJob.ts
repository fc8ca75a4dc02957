import { open } from 'node:fs/promises'
import { bulkBytes, type JobStatus, type Session } from '@millrace/sdk'
import type { JobContext } from './jobContext.ts'
import type { Order } from './order.ts'

/** Pieces of a bundle on their way at a time: enough to fill a long line. */
const inFlight = 16

/**
 * Sends the bundle, from where an earlier attempt stopped, and then the job. A lease has one job, so a repetition
 * answers where it stands.
 *
 * @throws SessionRequestError with the machine's reason, or what ended the session.
 */
export async function sendJob(context: JobContext, order: Order, session: Session): Promise<JobStatus> {
  const { job, bundle } = order.state.terms
  if (bundle !== null) await sendBundle(context, order, session, bundle)
  const { result } = await session.request('job.start', { job, bundle })
  return result
}

async function sendBundle(
  { onEvent }: JobContext,
  order: Order,
  session: Session,
  bundle: { readonly hash: `0x${string}`; readonly size: number },
): Promise<void> {
  const { result } = await session.request('bundle.status', bundle)
  let sent = result.received
  onEvent({ event: 'uploading', lease: order.lease, sent, size: bundle.size })
  const file = await open(order.file('bundle.tgz'), 'r')
  const waiting = new Set<Promise<void>>()
  let failure: unknown
  try {
    for (let offset = sent; offset < bundle.size && failure === undefined; ) {
      const piece = new Uint8Array(Math.min(bulkBytes, bundle.size - offset))
      const { bytesRead } = await file.read(piece, 0, piece.length, offset)
      const params = { hash: bundle.hash, offset }
      const written = session.request('bundle.write', params, piece.subarray(0, bytesRead)).then(
        () => {
          sent += bytesRead
          onEvent({ event: 'uploading', lease: order.lease, sent, size: bundle.size })
        },
        (error: unknown) => {
          failure ??= error
        },
      )
      waiting.add(written)
      void written.finally(() => waiting.delete(written))
      offset += bytesRead
      if (waiting.size >= inFlight) await Promise.race(waiting)
    }
    await Promise.all(waiting)
  } finally {
    await file.close()
  }
  if (failure !== undefined) throw failure
}
