import { hashSchema, signatureSchema, uint40Schema } from '@millrace/sdk'
import { z } from 'zod'
import type { Database } from '../database/Database.ts'
import { ChainUnavailable, OfferUnknown } from '../offers/errors.ts'
import type { OfferBook } from '../offers/OfferBook.ts'
import { readOffers } from '../offers/OfferTable.ts'
import { PeerMalformed, PeerUnreachable } from './errors.ts'

/** What one look at a peer needs. */
export interface SyncOptions {
  readonly database: Database
  readonly book: OfferBook
  readonly signal: AbortSignal
}

const TIMEOUT_MS = 15_000
const PAGE = 200
const MOST_BYTES = 8 * 1024 * 1024

/** What a peer says; offers themselves are checked one by one, as if anyone had published them. */
const answerSchema = z.object({
  changes: z
    .array(
      z.object({
        id: hashSchema,
        state: z.string(),
        published: z.unknown(),
        withdrawal: z.object({ at: uint40Schema, signature: signatureSchema }).nullable(),
      }),
    )
    .max(PAGE),
  next: z.int().min(0),
})

/**
 * Takes over one page of a peer's changes after `since`, and notes how far it came. Nothing a peer says is believed: an offer is
 * listed only if it passes every check here, and withdrawn only by its operator's signature.
 * @returns Where to go on (the same number if there was nothing new), and how many offers were taken and refused.
 * @throws PeerUnreachable | PeerMalformed | ChainUnavailable, or the database's error; then nothing is noted
 */
export async function syncPeer(
  url: string,
  since: number,
  options: SyncOptions,
): Promise<{ readonly next: number; readonly taken: number; readonly refused: number }> {
  const { database, book } = options
  const { changes, next } = await ask(url, since, options.signal)
  // A peer that is behind what it said before began anew; so do we.
  const goOn = next < since ? 0 : next
  // What is listed here was checked here; peers tell each other the same offers all the time.
  const known = new Set(
    (
      await readOffers(
        database,
        changes.map(({ id }) => id),
      )
    ).map(({ id }) => id),
  )
  const fresh = changes.filter(({ state, id }) => state === 'live' && !known.has(id))
  let refused = 0
  if (fresh.length > 0) {
    const { rejected } = await book.publish(fresh.map(({ published }) => published))
    refused = rejected.length
    const unsure = rejected.find(({ error }) => error instanceof ChainUnavailable)
    // Not the offer's fault: the page is taken again when the chain answers.
    if (unsure !== undefined) throw unsure.error
  }
  for (const { id, withdrawal } of changes) {
    if (withdrawal !== null) await book.withdraw({ id, ...withdrawal }).catch(unlessRefused)
  }
  if (goOn !== since)
    await database.query(
      'insert into peer_cursors (url, since) values ($1, $2) on conflict (url) do update set since = excluded.since',
      [url, goOn],
    )
  return { next: goOn, refused, taken: fresh.length - refused }
}

/** A withdrawal of an offer we never had, or that its operator did not sign, is passed over. */
function unlessRefused(error: unknown): void {
  if (error instanceof OfferUnknown) return
  if (error instanceof Error && 'code' in error && error.code === 'SIGNATURE_INVALID') return
  if (error instanceof Error && 'code' in error && error.code === 'WITHDRAWAL_MISTIMED') return
  throw error
}

async function ask(url: string, since: number, signal: AbortSignal): Promise<z.output<typeof answerSchema>> {
  const address = `${url.replace(/\/$/, '')}/v1/offers/changes?since=${since}&limit=${PAGE}`
  let text: string
  try {
    const response = await fetch(address, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      redirect: 'error',
    })
    text = await readText(response)
    if (!response.ok) throw new PeerUnreachable(url, `it answered ${response.status}`)
  } catch (error) {
    if (error instanceof PeerUnreachable || error instanceof PeerMalformed) throw error
    throw new PeerUnreachable(url, 'it did not answer', error)
  }
  try {
    return answerSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new PeerMalformed(url, 'its answer is not a page of changes', error)
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MOST_BYTES) throw new PeerMalformed(response.url, `its answer is over ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
