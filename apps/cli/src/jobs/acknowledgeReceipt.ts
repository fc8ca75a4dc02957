import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  getLease,
  hashJob,
  receiptToJson,
  type Session,
  SessionRequestError,
  type SignedReceipt,
  signReceipt,
  verifyReceipt,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { toJson } from '../output/output.ts'
import { ReceiptInvalidError } from './errors.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import { type Order, offerOf } from './order.ts'

/** Milliseconds that the machine may take to write the receipt after the lease's end. */
const patienceMs = 20_000

/**
 * Gets the receipt, holds it against everything we know ourselves, signs it, and keeps it as a file that verifies
 * offline.
 *
 * @returns Path of the file.
 * @throws ReceiptInvalidError; it is not acknowledged then.
 */
export async function acknowledgeReceipt(
  context: JobContext,
  order: Order,
  session: Session,
): Promise<string> {
  const { connection, buyer } = context
  const { terms, fetched } = order.state
  const { chainId, market } = connection.deployment
  const path = order.file('receipt.json')
  const signed = await getReceipt(session)
  const lease = await getLease(connection.client, { deployment: connection.deployment, lease: order.lease })
  const log = await hashFile(order.file('log'))
  const outputs = fetched === null ? null : await hashFile(order.file('outputs.tar'))
  const { receipt } = signed
  const verdict = await verifyReceipt(receipt, signed, {
    chainId,
    market,
    device: offerOf(terms).spec.device,
    buyer: terms.buyer,
    lease: order.lease,
    terms: offerOf(terms).offer.terms,
    job: hashJob(terms.job, terms.bundle?.hash ?? null),
    ...(outputs === null ? {} : { outputs }),
    // A log of which we saw only a part says nothing about the whole.
    ...(log === null || order.state.ended === null ? {} : { log }),
  })
  const reasons = verdict.reasons.map(({ message }) => message)
  if (lease !== null && lease.startedAt !== 0 && lease.stoppedAt !== 0) {
    if (receipt.startedAt !== lease.startedAt || receipt.stoppedAt !== lease.stoppedAt)
      reasons.push(
        `It says ${receipt.startedAt} to ${receipt.stoppedAt}, the chain ${lease.startedAt} to ${lease.stoppedAt}.`,
      )
    if (receipt.pricePerHour !== lease.pricePerHour) reasons.push('It names another price than the chain.')
  }
  if (reasons.length > 0) throw new ReceiptInvalidError({ lease: order.lease, reasons })

  const signature = await signReceipt(buyer.account, receipt, { chainId, market })
  const { result } = await session.request('receipt.acknowledge', { signature })
  const file = {
    version: 1,
    chainId,
    market,
    receipt: receiptToJson(receipt),
    device: result.device,
    buyer: signature,
  }
  writeFileAtomic(path, `${toJson(file)}\n`, 0o644)
  order.note({ type: 'receipt', at: unixNow(), path, acknowledged: true })
  context.onEvent({ event: 'receipt', lease: order.lease, path, acknowledged: true })
  return path
}

/** The receipt is written when the machine has seen the lease's end. */
async function getReceipt(session: Session): Promise<SignedReceipt> {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      return (await session.request('receipt.get', {})).result
    } catch (error) {
      if (!(error instanceof SessionRequestError) || Date.now() > until) throw error
      await sleep(100)
    }
  }
}

async function hashFile(path: string): Promise<Hash | null> {
  if (!existsSync(path)) return null
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return `0x${hash.digest('hex')}`
}
