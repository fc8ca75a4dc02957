import { randomUUID } from 'node:crypto'
import { openJournal } from '@millrace/journal'
import {
  BudgetExceededError,
  CaptureTooHighError,
  PaymentRepeatedError,
  ReservationSpentError,
} from './errors.ts'

/** Most that may be spent, in base units of one currency. What is left out is not limited. */
export interface BudgetLimits {
  /** In one payment. */
  readonly perPayment?: bigint
  /** In any `period` seconds, however they are laid. */
  readonly perPeriod?: bigint
  /** Seconds. Default one day. */
  readonly period?: number
  /** To one payee in any `period` seconds. */
  readonly perPayee?: bigint
  /** For one service in any `period` seconds. */
  readonly perService?: bigint
  /** In all. */
  readonly lifetime?: bigint
}

/** How a budget is opened. */
export interface BudgetOptions {
  /** File that holds it; it has one user at a time. */
  readonly path: string
  readonly limits: BudgetLimits
  /** Unix seconds. Default: the system's clock. */
  readonly now?: () => number
}

/** What money is to be spent on. */
export interface Spending {
  /** Base units. */
  readonly amount: bigint
  /** Account, or `asset:7`. */
  readonly payee: string
  /** What is bought, `GET https://api.example/v1/data`. */
  readonly service: string
  /** Tells a payment that is repeated from another one. Default: none. */
  readonly ref?: string
  /**
   * Whether it stays reserved through a crash of this process, for `resume` to find by its `ref`: for what can be asked afterwards what it came to. Without
   * it, what was reserved when the process died counts as spent.
   */
  readonly resumable?: boolean
}

/** Money that no other payment can take. Exactly one of its two ends is called, once. */
export interface BudgetReservation {
  readonly id: string
  readonly amount: bigint
  /** Counts `amount`, at most what is reserved, as spent; the rest is free. Resolves when it is on disk. */
  capture(amount: bigint): Promise<void>
  /** Nothing was spent. */
  release(): Promise<void>
}

/** What a budget has used, in base units. */
export interface BudgetState {
  readonly spent: bigint
  readonly reserved: bigint
  /** Spent in the last `period` seconds, and reserved. */
  readonly inPeriod: bigint
  readonly limits: BudgetLimits
}

/** A budget that parallel payments cannot overspend. */
export interface Budget {
  /**
   * Takes money aside, atomically: limits are checked with all that is spent and reserved. Resolves when it is on disk.
   *
   * @throws BudgetExceededError | PaymentRepeatedError | JournalWriteError
   */
  reserve(spending: Spending): Promise<BudgetReservation>
  /** Refs of reservations that an earlier process left and nobody took up yet. */
  left(): readonly string[]
  /** Takes up a reservation that an earlier process left; `null` if there is none of this ref, or it was taken up. */
  resume(ref: string): BudgetReservation | null
  state(): BudgetState
  close(): Promise<void>
}

/** A line of the budget's file. */
type Entry =
  | {
      readonly type: 'reserved'
      readonly id: string
      readonly at: number
      readonly amount: string
      readonly payee: string
      readonly service: string
      readonly ref?: string
      readonly resumable?: true
    }
  | { readonly type: 'ended'; readonly id: string; readonly amount: string }
  /** In place of all payments that no period sees any more. */
  | { readonly type: 'before'; readonly amount: string; readonly refs: readonly string[] }

interface Item {
  readonly id: string
  readonly at: number
  readonly payee: string
  readonly service: string
  readonly ref: string | undefined
  /** Reserved, or spent once it ended. */
  amount: bigint
  ended: boolean
  readonly resumable: boolean
  /** Whether its line is on disk: one that is not is written by its own `append`. */
  written: boolean
}

const compactAfter = 5_000
const systemClock = () => Math.floor(Date.now() / 1000)

/**
 * Opens a budget: reserve, then capture or release. No interleaving of parallel payments passes a limit, and no crash frees
 * money that was spent: what was reserved when the process died counts as spent, or stays reserved until it is taken up.
 *
 * @throws JournalCorruptError | JournalWriteError
 * @example
 * const budget = await openBudget({ path: 'budget.jsonl', limits: { perPayment: 1_000_000n, perPeriod: 20_000_000n } })
 */
export async function openBudget(options: BudgetOptions): Promise<Budget> {
  const { limits, now = systemClock } = options
  const period = limits.period ?? 86_400
  const journal = await openJournal<Entry>({
    ...{ path: options.path, exclusive: true, compactAfter },
    summary,
  })
  /** Spent by payments that no period sees any more. */
  let before = 0n
  /** Payments of the last period in the order of their time, `head` the first that counts. */
  let items: Item[] = []
  let head = 0
  /** Payments older than that whose end is still open. */
  const overdue = new Set<Item>()
  const refs = new Set<string>()
  const byId = new Map<string, Item>()
  const used = { all: 0n, open: 0n, payees: new Map<string, bigint>(), services: new Map<string, bigint>() }

  /** Everything that is checked is kept as a sum, so that a payment costs the same after a million others. */
  function count({ payee, service }: Item, change: bigint): void {
    used.all += change
    for (const [sums, key] of [[used.payees, payee] as const, [used.services, service] as const]) {
      const sum = (sums.get(key) ?? 0n) + change
      if (sum === 0n) sums.delete(key)
      else sums.set(key, sum)
    }
  }

  function begin(item: Item): void {
    items.push(item)
    byId.set(item.id, item)
    if (item.ref !== undefined) refs.add(item.ref)
    used.open += item.amount
    count(item, item.amount)
  }

  function end(item: Item, amount: bigint): void {
    used.open -= item.amount
    count(item, amount - item.amount)
    item.amount = amount
    item.ended = true
    byId.delete(item.id)
    if (overdue.delete(item)) leave(item)
  }

  /** Takes a payment out of the period; it stays in the lifetime. */
  function leave(item: Item): void {
    count(item, -item.amount)
    before += item.amount
  }

  function fold(at: number): void {
    for (let item = items[head]; item !== undefined && item.at <= at - period; item = items[++head]) {
      if (item.ended) leave(item)
      else overdue.add(item)
    }
    if (head > 1_000 && head * 2 > items.length) {
      items = items.slice(head)
      head = 0
    }
  }

  for (const { entry } of journal.replayed) {
    switch (entry.type) {
      case 'before':
        before = BigInt(entry.amount)
        for (const ref of entry.refs) refs.add(ref)
        break
      case 'reserved': {
        const { id, at, amount, payee, service, ref, resumable = false } = entry
        const item = { id, at, payee, service, ref, resumable, amount: BigInt(amount) }
        begin({ ...item, ended: false, written: true })
        break
      }
      case 'ended': {
        const item = byId.get(entry.id)
        if (item !== undefined) end(item, BigInt(entry.amount))
        break
      }
      default:
        entry satisfies never
    }
  }
  // Whoever had reserved them may have spent all of it before the end.
  const abandoned = new Map<string, Item>()
  for (const item of [...byId.values()])
    if (item.resumable && item.ref !== undefined) abandoned.set(item.ref, item)
    else end(item, item.amount)

  function check({ amount, payee, service }: Spending): void {
    const most = (limit: string, sum: bigint, allowed: bigint | undefined, subject: string | null) => {
      if (allowed !== undefined && sum + amount > allowed)
        throw new BudgetExceededError({ limit, amount, used: sum, most: allowed, subject })
    }
    most('perPayment', 0n, limits.perPayment, null)
    most('perPeriod', used.all, limits.perPeriod, null)
    most('perPayee', used.payees.get(payee) ?? 0n, limits.perPayee, payee)
    most('perService', used.services.get(service) ?? 0n, limits.perService, service)
    most('lifetime', before + used.all, limits.lifetime, null)
  }

  function entryOf({ id, at, amount, payee, service, ref, resumable }: Item): Entry {
    const named = { ...(ref === undefined ? {} : { ref }), ...(resumable ? { resumable } : {}) }
    return { type: 'reserved', id, at, amount: amount.toString(), payee, service, ...named }
  }

  function summary(): readonly Entry[] {
    const lines: Entry[] = [{ type: 'before', amount: before.toString(), refs: [...refs] }]
    for (const item of [...overdue, ...items.slice(head)]) {
      if (!item.written) continue
      lines.push(entryOf(item))
      if (item.ended) lines.push({ type: 'ended', id: item.id, amount: item.amount.toString() })
    }
    return lines
  }

  function reservationOf(item: Item): BudgetReservation {
    const { id } = item
    const reserved = item.amount
    let over = false
    const finish = async (amount: bigint) => {
      if (over) throw new ReservationSpentError({ id })
      if (amount < 0n || amount > reserved) throw new CaptureTooHighError({ id, amount, reserved })
      over = true
      // On disk first: until then all of it counts.
      await journal.append({ type: 'ended', id, amount: amount.toString() }, () => end(item, amount))
    }
    return { id, amount: reserved, capture: finish, release: () => finish(0n) }
  }

  return {
    async reserve(spending) {
      // A clock that is set back must not bring old payments back, nor take new ones out of order.
      const at = Math.max(now(), items.at(-1)?.at ?? 0)
      fold(at)
      const { amount, payee, service, ref, resumable = false } = spending
      if (ref !== undefined && refs.has(ref)) throw new PaymentRepeatedError({ ref })
      check(spending)
      const id = randomUUID()
      const item: Item = { id, at, payee, service, ref, resumable, amount, ended: false, written: false }
      // Taken before the disk is asked, so that nobody else takes it meanwhile.
      begin(item)
      try {
        await journal.append(entryOf(item), () => {
          item.written = true
        })
      } catch (error) {
        end(item, 0n)
        if (ref !== undefined) refs.delete(ref)
        throw error
      }
      return reservationOf(item)
    },
    left: () => [...abandoned.keys()],
    resume(ref) {
      const item = abandoned.get(ref)
      abandoned.delete(ref)
      return item === undefined ? null : reservationOf(item)
    },
    state() {
      fold(now())
      const { all, open } = used
      return { spent: before + all - open, reserved: open, inPeriod: all, limits }
    },
    close: () => journal.close(),
  }
}
