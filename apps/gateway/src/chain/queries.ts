import type { Parameter, Session } from '../database/Database.ts'
import { type LeaseStateName, leaseStateNames } from './LeaseState.ts'
import { type LogRow, logs, type Relation, type Row, type RowOf, relations } from './relations.ts'
import { reliabilityOf } from './reliabilityOf.ts'
import { fromSql } from './rows.ts'

/** An asset as the chain knows it, with how its leases went. */
export type IndexedAsset = Row<'assets'> & { readonly reliability: number | null }

/** A lease with its state by name. `running` says nothing of funds: past `ends_at` it is over. */
export type IndexedLease = Omit<Row<'leases'>, 'state'> & { readonly state: LeaseStateName }

/** A page, and where the next one starts; `next` is null on the last. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: bigint | null
}

/** One asset, or undefined if the index has none of that id. */
export async function getAsset(session: Session, asset: bigint): Promise<IndexedAsset | undefined> {
  if (!isId(asset)) return undefined
  const [row] = await select(session, relations.assets, 'where asset = $1', [asset])
  return row === undefined ? undefined : withReliability(row)
}

/** Assets by id from `after` on, at most `limit`. */
export async function listAssets(
  session: Session,
  filter: {
    readonly owner?: string
    readonly operator?: string
    readonly after?: bigint
    readonly limit: number
  },
): Promise<Page<IndexedAsset>> {
  const where = conditions()
  if (filter.owner !== undefined) where.add('owner = ?', filter.owner.toLowerCase())
  if (filter.operator !== undefined) where.add('operator = ?', filter.operator.toLowerCase())
  if (filter.after !== undefined) where.add('asset > ?', filter.after)
  const rows = await select(
    session,
    relations.assets,
    `${where.text()} order by asset limit ${where.parameter(filter.limit + 1)}`,
    where.parameters,
  )
  return pageOf(rows.map(withReliability), filter.limit, (row) => row.asset)
}

/** One lease, or undefined if the index has none of that id. */
export async function getLease(session: Session, lease: string): Promise<IndexedLease | undefined> {
  const [row] = await select(session, relations.leases, 'where lease = $1', [lease.toLowerCase()])
  return row === undefined ? undefined : withState(row)
}

/** Leases newest first, those opened before `before` (a page's `next`), at most `limit`. */
export async function listLeases(
  session: Session,
  filter: {
    readonly buyer?: string
    readonly operator?: string
    readonly asset?: bigint
    readonly state?: LeaseStateName
    readonly before?: bigint
    readonly limit: number
  },
): Promise<Page<IndexedLease>> {
  if (filter.asset !== undefined && !isId(filter.asset)) return { items: [], next: null }
  const where = conditions()
  if (filter.buyer !== undefined) where.add('buyer = ?', filter.buyer.toLowerCase())
  if (filter.operator !== undefined) where.add('operator = ?', filter.operator.toLowerCase())
  if (filter.asset !== undefined) where.add('asset = ?', filter.asset)
  if (filter.state !== undefined) where.add('state = ?', leaseStateNames.indexOf(filter.state))
  if (filter.before !== undefined) where.add('seq < ?', filter.before)
  const rows = await select(
    session,
    relations.leases,
    `${where.text()} order by seq desc limit ${where.parameter(filter.limit + 1)}`,
    where.parameters,
  )
  return pageOf(rows.map(withState), filter.limit, (row) => row.seq)
}

/** The till of an asset, or undefined if the index has no such asset. */
export async function getTill(session: Session, asset: bigint): Promise<Row<'tills'> | undefined> {
  if (!isId(asset)) return undefined
  const [row] = await select(session, relations.tills, 'where asset = $1', [asset])
  return row
}

/** Payments to an asset newest first, those before `before` (a page's `next`), at most `limit`. */
export async function listPayments(
  session: Session,
  filter: { readonly asset: bigint; readonly before?: bigint; readonly limit: number },
): Promise<Page<LogRow<'payments'>>> {
  if (!isId(filter.asset)) return { items: [], next: null }
  const where = conditions()
  where.add('asset = ?', filter.asset)
  if (filter.before !== undefined) where.add('seq < ?', filter.before)
  const rows = await select(
    session,
    logs.payments,
    `${where.text()} order by seq desc limit ${where.parameter(filter.limit + 1)}`,
    where.parameters,
  )
  return pageOf(rows, filter.limit, (row) => row.seq)
}

/** One channel, or undefined if the index never saw it open. */
export async function getChannel(session: Session, channel: string): Promise<Row<'channels'> | undefined> {
  const [row] = await select(session, relations.channels, 'where channel = $1', [channel.toLowerCase()])
  return row
}

/** Channels, those opened last first, from before `before` (a page's `next`), at most `limit`. */
export async function listChannels(
  session: Session,
  filter: {
    readonly payer?: string
    readonly signer?: string
    readonly payee?: string
    readonly asset?: bigint
    /** Only those that hold a deposit. */
    readonly open?: boolean
    readonly before?: bigint
    readonly limit: number
  },
): Promise<Page<Row<'channels'>>> {
  if (filter.asset !== undefined && !isId(filter.asset)) return { items: [], next: null }
  const where = conditions()
  if (filter.payer !== undefined) where.add('payer = ?', filter.payer.toLowerCase())
  if (filter.signer !== undefined) where.add('signer = ?', filter.signer.toLowerCase())
  if (filter.payee !== undefined) where.add('payee = ?', filter.payee.toLowerCase())
  if (filter.asset !== undefined) where.add('asset = ?', filter.asset)
  if (filter.open !== undefined) where.add('(deposit > 0) = ?', filter.open)
  if (filter.before !== undefined) where.add('seq < ?', filter.before)
  const rows = await select(
    session,
    relations.channels,
    `${where.text()} order by seq desc limit ${where.parameter(filter.limit + 1)}`,
    where.parameters,
  )
  return pageOf(rows, filter.limit, (row) => row.seq)
}

/** Every currency an account has or had in the till; empty for one that never had any. */
export async function getAccount(session: Session, account: string): Promise<Row<'accounts'>[]> {
  return select(session, relations.accounts, 'where account = $1 order by currency', [account.toLowerCase()])
}

/** What each currency brought into the till and took out of it. */
export async function listCurrencies(session: Session): Promise<Row<'currencies'>[]> {
  return select(session, relations.currencies, 'order by currency', [])
}

/** Whether the operator cancelled the nonce, alone or with its series. */
export async function isCancelled(session: Session, operator: string, nonce: bigint): Promise<boolean> {
  const [row] = await session.query<{ cancelled: boolean }>(
    `select $3::numeric <> coalesce((select series from chain.series where operator = $1), 0)
       or exists (select 1 from chain.cancellations where operator = $1 and nonce = $2::numeric) as cancelled`,
    [operator.toLowerCase(), nonce.toString(), (nonce >> 192n).toString()],
  )
  return row?.cancelled === true
}

/** Ids are counted from 1 and never reach what the column cannot hold. */
function isId(asset: bigint): boolean {
  return asset > 0n && asset < 2n ** 63n
}

async function select<R extends Relation>(
  session: Session,
  relation: R,
  rest: string,
  parameters: readonly Parameter[],
): Promise<RowOf<R>[]> {
  const rows = await session.query<Record<string, unknown>>(
    `select * from chain.${relation.name} ${rest}`,
    parameters,
  )
  // `fromSql` makes the row by the very columns that its type is made from.
  return rows.map((row) => fromSql(relation, row) as RowOf<R>)
}

function conditions() {
  const parts: string[] = []
  const parameters: Parameter[] = []
  const parameter = (value: Parameter) => `$${parameters.push(value)}`
  return {
    parameters,
    parameter,
    add: (condition: string, value: Parameter) => {
      parts.push(condition.replace('?', parameter(value)))
    },
    text: () => (parts.length === 0 ? '' : `where ${parts.join(' and ')}`),
  }
}

function pageOf<T>(rows: readonly T[], limit: number, place: (row: T) => bigint): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last !== undefined ? place(last) : null }
}

function withReliability(row: Row<'assets'>): IndexedAsset {
  return { ...row, reliability: reliabilityOf(row) }
}

function withState(row: Row<'leases'>): IndexedLease {
  return { ...row, state: leaseStateNames[row.state] ?? 'none' }
}
