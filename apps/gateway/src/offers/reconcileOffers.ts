import type { ChainEvent } from '../chain/events.ts'
import type { Session } from '../database/Database.ts'
import { type OfferState, setStates } from './OfferTable.ts'
import { readFacts } from './readFacts.ts'

interface Row {
  readonly id: string
  readonly state: OfferState
  readonly asset: string
  readonly operator: string
  readonly nonce: string
}

/**
 * Brings the offers that `events` touch in line with the chain's tables, in the same transaction: what was opened, cancelled or
 * changed operators is no longer live.
 */
export async function reconcileTouched(session: Session, events: readonly ChainEvent[]): Promise<void> {
  const ids: string[] = []
  const operators = new Set<string>()
  const assets = new Set<bigint>()
  for (const { type, args } of events) {
    if (type === 'market.LeaseOpened') ids.push(args.lease)
    if (type === 'market.NonceCancelled' || type === 'market.SeriesCancelled') operators.add(args.operator)
    if (type === 'assets.OperatorChanged' || type === 'assets.AssetRegistered') assets.add(args.asset)
  }
  if (ids.length + operators.size + assets.size === 0) return
  const rows = await session.query<Row>(
    `select id, state, asset::text as asset, operator, nonce::text as nonce from offers
     where state <> 'withdrawn'
       and (id = any($1::text[]) or operator = any($2::text[]) or asset = any($3::numeric[]))`,
    [ids, [...operators], [...assets]],
  )
  await reconcile(session, rows)
}

/** As above, for all offers: after a reorganisation anything may have changed, back to life included. */
export async function reconcileAll(session: Session): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await session.query<Row>(
      `select id, state, asset::text as asset, operator, nonce::text as nonce from offers
       where state <> 'withdrawn' and id > $1 order by id limit 10000`,
      [after],
    )
    await reconcile(session, rows)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

async function reconcile(session: Session, rows: readonly Row[]): Promise<void> {
  const facts = await readFacts(
    session,
    rows.map(({ id, asset, operator, nonce }) => ({
      id,
      asset: BigInt(asset),
      operator,
      nonce: BigInt(nonce),
    })),
  )
  const changed = rows.flatMap(({ id, state, operator }, at) => {
    const fact = facts[at]
    if (fact === undefined) return []
    const next: OfferState = fact.opened
      ? 'opened'
      : fact.cancelled
        ? 'cancelled'
        : fact.asset?.operator === operator
          ? 'live'
          : 'void'
    return next === state ? [] : [{ id, state: next }]
  })
  await setStates(session, changed)
}
