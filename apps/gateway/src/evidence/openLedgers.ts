import { createLedger, createRevenueExaminer, type Ledger, type RevenueExaminer } from '@millrace/risk/fraud'
import { seqOf } from '../chain/events.ts'
import type { Database, Session } from '../database/Database.ts'

/** A currency's transfers as far as the index has come, and what examines them. */
export interface CurrencyLedger {
  readonly ledger: Ledger
  readonly examiner: RevenueExaminer
  /** Time of the newest block that is in it. */
  readonly time: number
}

/** Ledgers of the index, read when they are asked for. */
export interface Ledgers {
  /** The ledger of a currency, brought up to the index's head. */
  readonly of: (currency: string) => Promise<CurrencyLedger>
  /** Forgets everything: the index is made again from another chain. */
  readonly forget: () => void
}

/** Rows read at once. */
const PAGE = 5_000
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

interface Open extends CurrencyLedger {
  /** Place of each transfer in the chain, as in the index. */
  readonly places: bigint[]
  mark: Mark | undefined
  time: number
}

/**
 * Keeps a ledger for each currency that was asked about, from the index's tables alone: new rows are added, and rows that a reorganisation took away, on
 * this gateway or on another one of the same database, are cut off. `held` are the contracts that pass others' money on; what they pay is told with who paid it.
 */
export function openLedgers(
  database: Database,
  options: {
    readonly held: readonly string[]
    readonly decimalsOf: (currency: string) => number
  },
): Ledgers {
  const held = options.held.map((address) => address.toLowerCase())
  const opened = new Map<string, Open>()
  const busy = new Map<string, Promise<CurrencyLedger>>()

  async function refresh(currency: string): Promise<CurrencyLedger> {
    const known = opened.get(currency) ?? empty(options.decimalsOf(currency))
    opened.set(currency, known)
    // One transaction for each page: a page and the head that it belongs to are of one chain.
    while (await database.transaction((session) => readPage(session, known, { currency, held })));
    return known
  }
  return {
    forget: () => opened.clear(),
    of: (currency) => {
      const key = currency.toLowerCase()
      // Who asks while it is being read waits for the same reading.
      const running = busy.get(key)
      if (running !== undefined) return running
      const started = refresh(key).finally(() => busy.delete(key))
      busy.set(key, started)
      return started
    },
  }
}

function empty(decimals: number): Open {
  const ledger = createLedger(10n ** BigInt(Math.max(0, decimals - FINE_DECIMALS)))
  return { ledger, examiner: createRevenueExaminer(ledger), places: [], mark: undefined, time: 0 }
}

/** Adds what comes next in the index; whether there is more. */
async function readPage(
  session: Session,
  open: Open,
  { currency, held }: { readonly currency: string; readonly held: readonly string[] },
): Promise<boolean> {
  // Held for the transaction, so that the tables do not move between the statements.
  const [head] = await session.query<{ block: bigint; hash: string; time: bigint; floor: bigint }>(
    'select block, hash, time, floor from chain.head for share',
  )
  if (head === undefined) {
    cutAt(open, 0n)
    return false
  }
  if (!(await isKept(session, open.mark))) cutAt(open, seqOf({ block: Number(head.floor) + 1, position: 0 }))
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
  open.ledger.add(
    whole.map(({ seq, sender, receiver, amount, time }) => {
      return { id: idOf(seq), time: Number(time), from: sender, to: receiver, amount: BigInt(amount) }
    }),
  )
  for (const { seq } of whole) open.places.push(seq)
  if (last === undefined) {
    open.mark = { block: Number(head.block), hash: head.hash, time: Number(head.time) }
    open.time = open.mark.time
  }
  return last !== undefined
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
  open.ledger.cut(size)
  open.mark = undefined
}

/** Names the log: `block-position`. */
function idOf(seq: bigint): string {
  return `${seq >> 20n}-${seq & 1_048_575n}`
}
