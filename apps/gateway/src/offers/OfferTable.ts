import type { Hash } from 'viem'
import type { Session } from '../database/Database.ts'

/** Notified with the newest sequence number whenever offers change. */
export const OFFERS_CHANNEL = 'millrace_offers'

/** Where an offer stands. */
export type OfferState = 'live' | 'withdrawn' | 'cancelled' | 'opened' | 'void'

/** An offer that passed every check, ready for the table. */
export interface CheckedOffer {
  readonly id: Hash
  readonly asset: bigint
  /** Lower case. */
  readonly operator: string
  readonly nonce: bigint
  readonly expiry: number
  readonly facets: string
  readonly document: string
}

/** One row as others read it. */
export interface StoredOffer {
  readonly id: Hash
  readonly seq: bigint
  readonly state: OfferState
  readonly asset: string
  readonly operator: string
  readonly expiry: bigint
  readonly facets: string
  readonly document: string
  readonly withdrawal: string | null
}

/** What search needs of a row: without its documents, a tenth of it. */
export type FacetedOffer = Omit<StoredOffer, 'document' | 'withdrawal'>

const facetColumns = 'id, seq, state, asset::text as asset, operator, expiry, facets'
const columns = 'id, seq, state, asset::text as asset, operator, expiry, facets, document, withdrawal'

/** Adds offers that are not there yet. Answers how many were new. */
export async function insertOffers(
  session: Session,
  offers: readonly CheckedOffer[],
  now: number,
): Promise<number> {
  if (offers.length === 0) return 0
  const top = await reserve(session, offers.length)
  const rows = await session.query(
    `insert into offers (id, seq, state, asset, operator, nonce, expiry, facets, document, published_at)
     select t.id, $1::bigint - t.place, 'live', t.asset, t.operator, t.nonce, t.expiry, t.facets, t.document, $2::bigint
     from unnest($3::text[], $4::numeric[], $5::text[], $6::numeric[], $7::bigint[], $8::text[], $9::text[])
       with ordinality as t(id, asset, operator, nonce, expiry, facets, document, place)
     on conflict (id) do nothing returning id`,
    [
      top + 1n,
      now,
      offers.map(({ id }) => id),
      offers.map(({ asset }) => asset),
      offers.map(({ operator }) => operator),
      offers.map(({ nonce }) => nonce),
      offers.map(({ expiry }) => expiry),
      offers.map(({ facets }) => facets),
      offers.map(({ document }) => document),
    ],
  )
  if (rows.length > 0) await announce(session, top)
  return rows.length
}

/** Hides an offer for good. */
export async function markWithdrawn(session: Session, id: Hash, withdrawal: string): Promise<void> {
  const top = await reserve(session, 1)
  await session.query(`update offers set state = 'withdrawn', withdrawal = $2, seq = $3 where id = $1`, [
    id,
    withdrawal,
    top,
  ])
  await announce(session, top)
}

/** Gives offers new states; those that have them already are left alone. */
export async function setStates(
  session: Session,
  states: readonly { readonly id: string; readonly state: OfferState }[],
): Promise<void> {
  if (states.length === 0) return
  const top = await reserve(session, states.length)
  await session.query(
    `update offers set state = t.state, seq = $1::bigint - t.place
     from unnest($2::text[], $3::text[]) with ordinality as t(id, state, place)
     where offers.id = t.id and offers.state <> t.state`,
    [top + 1n, states.map(({ id }) => id), states.map(({ state }) => state)],
  )
  await announce(session, top)
}

/** Changes after number `since`, oldest first. An offer that changed twice is told once, at its newest. */
export function changesSince(session: Session, since: bigint, limit: number): Promise<StoredOffer[]> {
  return session.query<StoredOffer>(`select ${columns} from offers where seq > $1 order by seq limit $2`, [
    since,
    limit,
  ])
}

/** As `changesSince`, without documents. */
export function facetsSince(session: Session, since: bigint, limit: number): Promise<FacetedOffer[]> {
  return session.query<FacetedOffer>(
    `select ${facetColumns} from offers where seq > $1 order by seq limit $2`,
    [since, limit],
  )
}

/** The offers with these ids, in any order. */
export function readOffers(session: Session, ids: readonly string[]): Promise<StoredOffer[]> {
  return session.query<StoredOffer>(`select ${columns} from offers where id = any($1::text[])`, [ids])
}

/** Deletes what expired before `before`; answers how many. Nothing announces it: everyone can read an expiry. */
export async function deleteExpired(session: Session, before: number): Promise<number> {
  const rows = await session.query('delete from offers where expiry < $1 returning 1 as one', [before])
  return rows.length
}

/** The newest sequence number. */
export async function newestSeq(session: Session): Promise<bigint> {
  const [row] = await session.query<{ seq: bigint }>('select seq from offer_sequence')
  return row?.seq ?? 0n
}

/** Takes `count` numbers, the last of which is answered, and holds the row until the commit. */
async function reserve(session: Session, count: number): Promise<bigint> {
  const [row] = await session.query<{ seq: bigint }>(
    'update offer_sequence set seq = seq + $1 returning seq',
    [count],
  )
  return row?.seq ?? 0n
}

async function announce(session: Session, seq: bigint): Promise<void> {
  await session.query('select pg_notify($1, $2)', [OFFERS_CHANNEL, seq.toString()])
}
