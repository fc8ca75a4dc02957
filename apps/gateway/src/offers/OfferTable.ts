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
  /** Device and hash of the spec, lower case. */
  readonly device: string
  readonly spec: string
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
  readonly verified: boolean
  readonly document: string
  readonly withdrawal: string | null
  /** What this gateway's own challenge of the machine found, as JSON. */
  readonly challenge: string | null
}

/** What search needs of a row: without its documents, a tenth of it. */
export type FacetedOffer = Omit<StoredOffer, 'document' | 'withdrawal' | 'challenge'>

const facetColumns = 'id, seq, state, asset::text as asset, operator, expiry, facets, verified'
const columns = `${facetColumns}, document, withdrawal, challenge`

/** Adds offers that are not there yet. Answers how many were new. */
export async function insertOffers(
  session: Session,
  offers: readonly CheckedOffer[],
  now: number,
): Promise<number> {
  if (offers.length === 0) return 0
  const top = await reserve(session, offers.length)
  const rows = await session.query(
    `insert into offers (id, seq, state, asset, operator, nonce, expiry, facets, document, published_at,
       device, spec, verified, challenge)
     select t.id, $1::bigint - t.place, 'live', t.asset, t.operator, t.nonce, t.expiry, t.facets, t.document, $2::bigint,
       t.device, t.spec, coalesce(c.verified, false), c.finding
     from unnest($3::text[], $4::numeric[], $5::text[], $6::numeric[], $7::bigint[], $8::text[], $9::text[],
       $10::text[], $11::text[])
       with ordinality as t(id, asset, operator, nonce, expiry, facets, document, device, spec, place)
     -- What was found of a machine holds for the asset that names it on chain, for no one who only copies its spec.
     left join chain.assets a on a.asset = t.asset and lower(a.device) = t.device
     left join challenges c on a.asset is not null and c.device = t.device and c.spec = t.spec
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
      offers.map(({ device }) => device),
      offers.map(({ spec }) => spec),
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

/** A machine's challenge, as it is kept. */
export interface StoredChallenge {
  /** Lower case. */
  readonly device: string
  readonly spec: string
  /** Unix seconds. */
  readonly at: number
  /** When it may be challenged again, Unix seconds. */
  readonly due: number
  readonly verified: boolean
  readonly finding: string
}

/** Keeps what a challenge found, and notes it on the machine's live offers. */
export async function saveChallenge(session: Session, challenge: StoredChallenge): Promise<void> {
  const { device, spec, at, due, verified, finding } = challenge
  await session.query(
    `insert into challenges (device, spec, at, due, verified, finding) values ($1, $2, $3, $4, $5, $6)
     on conflict (device, spec) do update set at = $3, due = $4, verified = $5, finding = $6`,
    [device, spec, at, due, verified, finding],
  )
  const offers = await session.query<{ id: string }>(
    `select o.id from offers o join chain.assets a on a.asset = o.asset and lower(a.device) = o.device
     where o.device = $1 and o.spec = $2 and o.state = 'live'`,
    [device, spec],
  )
  if (offers.length === 0) return
  const top = await reserve(session, offers.length)
  await session.query(
    `update offers set verified = $1, challenge = $2, seq = $3::bigint - t.place
     from unnest($4::text[]) with ordinality as t(id, place) where offers.id = t.id`,
    [verified, finding, top + 1n, offers.map(({ id }) => id)],
  )
  await announce(session, top)
}

/** A live offer of a connected machine that is due for a challenge; those never challenged come first. */
export async function nextToChallenge(
  session: Session,
  { devices, now }: { readonly devices: readonly string[]; readonly now: number },
): Promise<
  { readonly document: string; readonly verified: boolean; readonly at: bigint | null } | undefined
> {
  if (devices.length === 0) return undefined
  const [row] = await session.query<{ document: string; verified: boolean; at: bigint | null }>(
    `select o.document, coalesce(c.verified, false) as verified, c.at
     from offers o join chain.assets a on a.asset = o.asset and lower(a.device) = o.device
     left join challenges c on c.device = o.device and c.spec = o.spec
     where o.device = any($1::text[]) and o.state = 'live' and o.expiry >= $2 and coalesce(c.due, 0) <= $2
     order by coalesce(c.due, 0), o.published_at limit 1`,
    [devices, now],
  )
  return row
}

/** Forgets challenges whose time came before `before`: their machines offer nothing any more. */
export async function deleteOldChallenges(session: Session, before: number): Promise<void> {
  await session.query('delete from challenges where due < $1', [before])
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
