import type { Session } from '../database/Database.ts'
import { applyEvent } from './applyEvent.ts'
import { createDraft, type Draft } from './Draft.ts'
import { IndexMoved } from './errors.ts'
import { type ChainEvent, seqOf } from './events.ts'
import { keysOf } from './keysOf.ts'
import { logs, type RelationName, type Row, relations } from './relations.ts'
import { arrayLiteral, deleteRows, fromSql, readRows, toJson, writeRows } from './rows.ts'

/** A block the index has taken. `time` in Unix seconds. */
export interface BlockMark {
  readonly number: number
  readonly hash: string
  readonly time: number
}

/** How far the index has come; `floor` is the lowest block that can be rolled back to. */
export interface Head extends BlockMark {
  readonly deployment: string
  readonly floor: number
}

/** Consecutive blocks and all their events, in order. */
export interface Batch {
  /** The blocks to remember: the last of the range at least. */
  readonly blocks: readonly BlockMark[]
  readonly events: readonly ChainEvent[]
  /** Whether these blocks may still be undone, so that what they replace must be kept. */
  readonly journal: boolean
}

const relationNames = Object.keys(relations) as RelationName[]

/** Reads how far the index has come; undefined before the first block. */
export async function readHead(session: Session): Promise<Head | undefined> {
  const [row] = await session.query<Record<string, bigint | string>>('select * from chain.head')
  return row === undefined ? undefined : toHead(row)
}

/**
 * Takes the index for this transaction and makes sure that it stands where the caller thinks it stands.
 * @throws IndexMoved when another gateway on the same database was faster
 */
export async function lockHead(session: Session, expected: Head): Promise<void> {
  const [row] = await session.query<Record<string, bigint | string>>('select * from chain.head for update')
  const found = row === undefined ? undefined : toHead(row)
  if (
    found?.number !== expected.number ||
    found.hash !== expected.hash ||
    found.deployment !== expected.deployment
  ) {
    throw new IndexMoved(expected.number, found?.number ?? -1)
  }
}

/** Applies a batch on top of `head` and answers the new head. To be run in one transaction, after `lockHead`. */
export async function writeBatch(session: Session, head: Head, batch: Batch): Promise<Head> {
  const last = batch.blocks.at(-1)
  if (last === undefined) return head
  const draft = createDraft({ journal: batch.journal })
  await loadRows(session, draft, batch.events)
  for (const event of batch.events) applyEvent(draft, event)
  for (const name of relationNames) await writeRows(session, relations[name], draft.changed(name))
  await writeRows(session, logs.payments, draft.added('payments'))
  await writeRows(session, logs.moves, draft.added('moves'))
  // Cancelling twice changes nothing: the first time stays.
  await writeRows(session, logs.cancellations, draft.added('cancellations'), 'keep')
  await writeJournal(session, draft)
  return writeHead(session, head, batch, last)
}

/** Undoes every block above `ancestor`. To be run in one transaction, after `lockHead`. */
export async function undoTo(session: Session, head: Head, ancestor: BlockMark): Promise<Head> {
  const above = [BigInt(ancestor.number)]
  const rows = await session.query<{
    relation: RelationName
    key: string
    before: Record<string, unknown> | null
  }>(
    `select distinct on (relation, key) relation, key, before from chain.journal
     where block > $1 order by relation, key, block`,
    above,
  )
  for (const name of relationNames) {
    const mine = rows.filter((row) => row.relation === name)
    const gone = mine.filter((row) => row.before === null).map((row) => row.key)
    const back = mine.flatMap((row) => (row.before === null ? [] : [fromSql(relations[name], row.before)]))
    await deleteRows(session, relations[name], gone)
    await writeRows(session, relations[name], back)
  }
  const firstGone = [seqOf({ block: ancestor.number + 1, position: 0 })]
  await session.query('delete from chain.payments where seq >= $1', firstGone)
  await session.query('delete from chain.moves where seq >= $1', firstGone)
  await session.query('delete from chain.cancellations where seq >= $1', firstGone)
  await session.query('delete from chain.journal where block > $1', above)
  await session.query('delete from chain.blocks where number > $1', above)
  const next = { ...head, number: ancestor.number, hash: ancestor.hash, time: ancestor.time }
  await saveHead(session, next)
  return next
}

/** Empties every table of the index and starts it below `start`: the state before the contracts were deployed. */
export async function resetIndex(session: Session, deployment: string, start: BlockMark): Promise<Head> {
  const names = [...relationNames, ...Object.keys(logs), 'blocks', 'journal', 'head']
  await session.exec(`truncate ${names.map((name) => `chain.${name}`).join(', ')}`)
  const head = { ...start, deployment, floor: start.number }
  await session.query(
    'insert into chain.head (deployment, block, hash, time, floor) values ($1, $2, $3, $4, $5)',
    [deployment, start.number, start.hash, start.time, start.number],
  )
  await writeBlocks(session, [start])
  return head
}

/** Blocks that can be rolled back to, newest first. */
export async function readBlocks(session: Session, below: number): Promise<BlockMark[]> {
  const rows = await session.query<{ number: bigint; hash: string; time: bigint }>(
    `select number, hash, time from chain.blocks
     where number <= $1 and number >= (select floor from chain.head) order by number desc`,
    [below],
  )
  return rows.map(({ number, hash, time }) => ({ number: Number(number), hash, time: Number(time) }))
}

/** Drops what is older than can be undone. Every so often is enough. */
export async function pruneBelow(session: Session, head: Head, floor: number): Promise<Head> {
  if (floor <= head.floor) return head
  await session.query('delete from chain.journal where block <= $1', [floor])
  // The block of the floor itself stays: it is the lowest common ancestor there can be.
  await session.query('delete from chain.blocks where number < $1', [floor])
  const next = { ...head, floor }
  await saveHead(session, next)
  return next
}

async function loadRows(session: Session, draft: Draft, events: readonly ChainEvent[]): Promise<void> {
  const wanted = new Map<RelationName, Set<string>>()
  const touch = (relation: RelationName, key: string, fresh?: 'fresh') => {
    if (draft.has(relation, key)) return
    if (fresh === 'fresh') {
      draft.load(relation, key, null)
      return
    }
    const keys = wanted.get(relation)
    if (keys === undefined) wanted.set(relation, new Set([key]))
    else keys.add(key)
  }
  const load = async (name: RelationName) => {
    const keys = [...(wanted.get(name) ?? [])].filter((key) => !draft.has(name, key))
    const rows = await readRows(session, relations[name], keys)
    // `fromSql` made the row by the relation's columns, which is what its type is made from.
    for (const key of keys) draft.load(name, key, (rows.get(key) as Row<typeof name> | undefined) ?? null)
  }
  for (const event of events) keysOf(event, touch)
  const leases = [...(wanted.get('leases') ?? [])].filter((key) => !draft.has('leases', key))
  await load('leases')
  for (const key of leases) {
    const lease = draft.get('leases', key)
    if (lease !== null) touch('assets', lease.asset.toString())
  }
  for (const name of relationNames) if (name !== 'leases') await load(name)
}

async function writeJournal(session: Session, draft: Draft): Promise<void> {
  const { before } = draft
  if (before.length === 0) return
  const literals = [
    arrayLiteral(before.map(({ block }) => String(block))),
    arrayLiteral(before.map(({ relation }) => relation)),
    arrayLiteral(before.map(({ key }) => key)),
    arrayLiteral(before.map(({ row }) => (row === null ? '' : toJson(row)))),
  ]
  await session.query(
    `insert into chain.journal (block, relation, key, before)
     select block, relation, key, nullif(before, '')::jsonb
     from unnest($1::text::bigint[], $2::text::text[], $3::text::text[], $4::text::text[])
       as j(block, relation, key, before)`,
    literals,
  )
}

async function writeHead(session: Session, head: Head, batch: Batch, last: BlockMark): Promise<Head> {
  const floor = batch.journal ? head.floor : last.number
  if (!batch.journal) await session.query('delete from chain.blocks', [])
  await writeBlocks(session, batch.journal ? batch.blocks : [last])
  const next = { ...head, ...last, floor }
  await saveHead(session, next)
  return next
}

async function saveHead(session: Session, head: Head): Promise<void> {
  await session.query('update chain.head set block = $1, hash = $2, time = $3, floor = $4', [
    head.number,
    head.hash,
    head.time,
    head.floor,
  ])
}

async function writeBlocks(session: Session, blocks: readonly BlockMark[]): Promise<void> {
  await session.query(
    `insert into chain.blocks (number, hash, time)
     select * from unnest($1::text::bigint[], $2::text::text[], $3::text::bigint[])`,
    [
      arrayLiteral(blocks.map(({ number }) => String(number))),
      arrayLiteral(blocks.map(({ hash }) => hash)),
      arrayLiteral(blocks.map(({ time }) => String(time))),
    ],
  )
}

function toHead(row: Readonly<Record<string, bigint | string>>): Head {
  return {
    deployment: String(row.deployment),
    number: Number(row.block),
    hash: String(row.hash),
    time: Number(row.time),
    floor: Number(row.floor),
  }
}
