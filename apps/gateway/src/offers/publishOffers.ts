import { MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Database } from '../database/Database.ts'
import type { ChainReader } from './ChainReader.ts'
import { type Checked, type CheckOffersOptions, checkOffers, faultOf, isSound } from './checkOffers.ts'
import { OfferWithdrawn } from './errors.ts'
import { insertOffers, readOffers } from './OfferTable.ts'
import { readFacts } from './readFacts.ts'

/** What became of offers that were handed in. */
export interface Publication {
  /** Ids now listed, those listed before included. */
  readonly accepted: readonly Hash[]
  /** The others by their place, counted from 0. */
  readonly rejected: readonly { readonly index: number; readonly error: MillraceError }[]
}

/** What offers are published with. */
export interface PublishOptions extends Omit<CheckOffersOptions, 'session'> {
  readonly database: Database
  readonly chain: ChainReader
}

/**
 * Checks offers as they came from outside and lists the good ones; publishing one again changes nothing.
 * @throws the database's error if it cannot write; then none is listed
 */
export async function publishOffers(
  inputs: readonly unknown[],
  options: PublishOptions,
): Promise<Publication> {
  const { database, now } = options
  const checked = await checkOffers(inputs, { ...options, session: database })
  if (checked.every((one) => one instanceof MillraceError)) return sort(checked)
  return database.transaction(async (session) => {
    // The index writes under this lock: what it has applied by now is read below, what it applies later finds the offers listed.
    await session.query('select 1 from chain.head for share')
    const sound = checked.filter(isSound)
    const facts = await readFacts(session, sound)
    const known = new Map(
      (
        await readOffers(
          session,
          sound.map(({ id }) => id),
        )
      ).map((row) => [row.id, row]),
    )
    const again = new Map<Checked, Checked>(
      sound.map((one, at) => {
        const fact = facts[at]
        const fault = fact?.asset ? faultOf(one.published, one.id, fact) : undefined
        if (fault !== undefined) return [one, fault]
        return [one, known.get(one.id)?.state === 'withdrawn' ? new OfferWithdrawn(one.id) : one]
      }),
    )
    const outcome = checked.map((one) => again.get(one) ?? one)
    const fresh = outcome.filter(isSound).filter(({ id }) => !known.has(id))
    await insertOffers(session, [...new Map(fresh.map((one) => [one.id, one])).values()], now)
    return sort(outcome)
  })
}

function sort(outcome: readonly Checked[]): Publication {
  const accepted: Hash[] = []
  const rejected: { index: number; error: MillraceError }[] = []
  for (const [index, one] of outcome.entries()) {
    if (one instanceof MillraceError) rejected.push({ index, error: one })
    else accepted.push(one.id)
  }
  return { accepted, rejected }
}
