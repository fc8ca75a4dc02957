import type { MeterReading, RevenueQuestion, Transfer } from '@millrace/risk/fraud'
import { seqOf } from '../chain/events.ts'
import type { Database, Session } from '../database/Database.ts'
import type { Examination } from './examinerOrders.ts'
import { startExaminer } from './startExaminer.ts'

/** What an examination is asked for. */
export interface Asked {
  readonly question: RevenueQuestion
  readonly meter?: MeterReading
}

/** A currency's transfers as far as the index has come. They live in the examiner's thread. */
export interface CurrencyLedger {
  /** Time of the newest block that is in it. */
  readonly time: number
  /** Related accounts that never moved anything are left out. Throws {@link ExaminationFailed}. */
  readonly examine: (asked: Asked) => Promise<Examination>
  /** All transfers; for tests. */
  readonly dump: () => Promise<readonly Transfer[]>
}

/** Ledgers of the index, read when they are asked for. */
export interface Ledgers {
  /** The ledger of a currency, brought up to the index's head. Throws {@link ExaminationFailed}. */
  readonly of: (currency: string) => Promise<CurrencyLedger>
  /** Forgets everything: the index is made again from another chain. */
  readonly forget: () => void
  readonly close: () => Promise<void>
}

/** Rows read at once: so few that nobody else waits for more than a moment while they are read and passed on. */
const PAGE = 1_000
/** A currency of at most so many decimals is counted to its last digit; others in 10⁻⁶. */
const FINE_DECIMALS = 6

interface Move {
  readonly seq: bigint
  readonly sender: string
  readonly receiver: string
  readonly amount: string
  readonly time: bigint
}

interface Mark {
  readonly block: number
  readonly hash: string
  readonly time: number
}

interface Open {
  /** Place of each transfer in the chain, as in the index. */
  readonly places: bigint[]
  mark: Mark | undefined
  time: number
}

/** What a page changes in a ledger. */
interface Page {
  readonly keep: number
  readonly transfers: readonly Transfer[]
  readonly hasMore: boolean
}

/**
 * Keeps a ledger for each currency that was asked about, from the index's tables alone: new rows are added, and rows that a reorganisation took away, on
 * this gateway or on another one of the same database, are cut off. `held` are the contracts that pass others' money on; what they pay is told with who paid it.
 * Ledgers are kept and searched in a thread of their own; this one only passes rows on.
 */
export function openLedgers(
  database: Database,
  options: {
    readonly held: readonly string[]
    readonly decimalsOf: (currency: string) => number
  },
): Ledgers {
  const held = options.held.map((address) => address.toLowerCase())
  const examiner = startExaminer()
  const opened = new Map<string, Open>()
  const busy = new Map<string, Promise<CurrencyLedger>>()

  async function begin(currency: string): Promise<Open> {
    const open: Open = { places: [], mark: undefined, time: 0 }
    const unit = 10n ** BigInt(Math.max(0, options.decimalsOf(currency) - FINE_DECIMALS))
    await examiner.open(currency, unit)
    opened.set(currency, open)
    return open
  }

  async function refresh(currency: string): Promise<CurrencyLedger> {
    const open = opened.get(currency) ?? (await begin(currency))
    for (;;) {
      // One transaction for each page: a page and the head that it belongs to are of one chain.
      const page = await database.transaction((session) => readPage(session, open, { currency, held }))
      await examiner.change(currency, page)
      if (!page.hasMore) break
    }
    return {
      time: open.time,
      examine: (asked) => orForget(currency, examiner.examine(currency, asked)),
      dump: () => examiner.dump(currency),
    }
  }

  /** What failed may have left thread and places apart: the next one who asks begins anew. */
  async function orForget<T>(currency: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      opened.delete(currency)
      throw error
    }
  }
  return {
    forget: () => opened.clear(),
    close: examiner.close,
    of: (currency) => {
      const key = currency.toLowerCase()
      // Who asks while it is being read waits for the same reading.
      const running = busy.get(key)
      if (running !== undefined) return running
      const started = orForget(key, refresh(key)).finally(() => busy.delete(key))
      busy.set(key, started)
      return started
    },
  }
}

/** Reads what comes next in the index. */
async function readPage(
  session: Session,
  open: Open,
  { currency, held }: { readonly currency: string; readonly held: readonly string[] },
): Promise<Page> {
  // Held for the transaction, so that the tables do not move between the statements.
  const [head] = await session.query<{ block: bigint; hash: string; time: bigint; floor: bigint }>(
    'select block, hash, time, floor from chain.head for share',
  )
  if (head === undefined) {
    cutAt(open, 0n)
    return { keep: 0, transfers: [], hasMore: false }
  }
  if (!(await isKept(session, open.mark))) cutAt(open, seqOf({ block: Number(head.floor) + 1, position: 0 }))
  const keep = open.places.length
  const after = open.places.at(-1) ?? -1n
  const rows = await session.query<Move>(
    `select seq, sender, receiver, amount, time from (
       select seq, part, sender, receiver, amount, time from chain.moves
       where seq > $1 and currency = $2 and not sender = any($3) and not receiver = any($3)
       union all
       select p.seq, 0, p.payer, 'asset ' || p.asset, p.amount, p.time
       from chain.payments p join chain.assets a using (asset)
       where p.seq > $1 and a.currency = $2 and not p.payer = any($3)
     ) all_moves order by seq, part limit $4`,
    [after, currency, held, PAGE],
  )
  // A page ends between two events, never within one.
  const last = rows.length === PAGE ? rows.at(-1)?.seq : undefined
  const whole = last === undefined ? rows : rows.filter(({ seq }) => seq < last)
  const transfers = whole.map(({ seq, sender, receiver, amount, time }) => {
    return { id: idOf(seq), time: Number(time), from: sender, to: receiver, amount: BigInt(amount) }
  })
  for (const { seq } of whole) open.places.push(seq)
  if (last === undefined) {
    open.mark = { block: Number(head.block), hash: head.hash, time: Number(head.time) }
    open.time = open.mark.time
  }
  return { keep, transfers, hasMore: last !== undefined }
}

/** Whether the block up to which the ledger was read is still one of the chain. */
async function isKept(session: Session, mark: Mark | undefined): Promise<boolean> {
  if (mark === undefined) return true
  const found = await session.query('select 1 from chain.blocks where number = $1 and hash = $2', [
    mark.block,
    mark.hash,
  ])
  return found.length > 0
}

/** Takes out what stands at `seq` or behind it. */
function cutAt(open: Open, seq: bigint): void {
  let size = open.places.length
  while (size > 0 && (open.places[size - 1] ?? 0n) >= seq) size--
  open.places.length = size
  open.mark = undefined
}

/** Names the log: `block-position`. */
function idOf(seq: bigint): string {
  return `${seq >> 20n}-${seq & 1_048_575n}`
}
