import { requireWhole } from '../errors/require.ts'
import { strongComponents } from '../graph/components.ts'
import type { Ledger } from './ledger.ts'

/** Which cycles to look for. */
export interface CycleQuestion {
  readonly asset: string
  /** Accounts that count as one with the asset: money moves between them as they like. */
  readonly related: readonly string[]
  /** Period of the payments, in Unix seconds, the end not included. */
  readonly from: number
  readonly to: number
  /** Seconds from the first transfer of a cycle to its payment, at most. */
  readonly window: number
  /** Transfers in a cycle, its payment included, at most. */
  readonly maxLength: number
  /** Accounts that dealt with this many others are not passed through. */
  readonly hubDegree: number
}

/** Money that left the asset or its people, and came back as revenue. Transfers are indices in the ledger. */
export interface Cycle {
  readonly payment: number
  /** From the related account to the payer, in order of time; empty where a related account paid itself. */
  readonly transfers: readonly number[]
  readonly units: number
  /** Seconds from the first transfer to the payment. */
  readonly seconds: number
}

/** Steps that the search for one payment's cycles may take; what it has found by then counts. */
const mostSteps = 5_000

/** Looks for cycles as the ledger grows. */
export interface CycleSearch {
  /** All cycles so far: those of payments that are new in the ledger are looked for first. */
  readonly cycles: () => readonly Cycle[]
}

/**
 * Time-ordered cycles through an asset within a window, each unit of money used once: less than the largest flow finds, but every
 * one of them did happen. Windows of twice the length, one window apart, hold every cycle; within each only accounts of the asset's strongly connected
 * component are searched, backwards from the payment, the latest money first.
 *
 * Sources: Tarjan (1972) for the components; candidates by component and window as in Victor and Weintraud (arXiv 2102.07001); time-ordered
 * cycles as in Kumar and Calders, *2SCENT* (VLDB 2018). Throws {@link ParameterError}.
 *
 * @example
 * const search = createCycleSearch(ledger, { asset: 'asset 7', related: ['0xowner'], from, to, window: 86_400, maxLength: 6, hubDegree: 64 })
 * search.cycles()
 */
export function createCycleSearch(ledger: Ledger, question: CycleQuestion): CycleSearch {
  const window = requireWhole('window in seconds', question.window, 1)
  const maxLength = requireWhole('longest cycle', question.maxLength, 1)
  const asset = ledger.account(question.asset)
  const home = new Set([asset, ...question.related.map(ledger.account)])
  const used = new Map<number, number>()
  const left = (transfer: number) => ledger.unitsUp(transfer) - (used.get(transfer) ?? 0)
  const found: Cycle[] = []
  let cursor = ledger.firstAt(question.from)
  let slot = Number.NaN
  let ring = new Set<number>()

  /** Cycles that end in one payment of an account of the ring. */
  const close = (payment: number): void => {
    const time = ledger.timeOf(payment)
    let open = ledger.unitsDown(payment)
    let steps = 0
    /** Transfers from home to `account`, ending before `before`; null if there are none. */
    const search = (account: number, before: number, room: number): readonly number[] | null => {
      const incoming = ledger.into(account)
      for (let at = countBelow(incoming, before) - 1; at >= 0; at--) {
        const transfer = incoming[at] as number
        if (ledger.timeOf(transfer) < time - window || ++steps > mostSteps) return null
        const from = ledger.fromOf(transfer)
        if (left(transfer) <= 0) continue
        if (home.has(from)) return [transfer]
        if (room <= 1 || from === account || !ring.has(from)) continue
        if (ledger.degreeOf(transfer) >= question.hubDegree) continue
        const path = search(from, transfer, room - 1)
        if (path !== null) return [...path, transfer]
      }
      return null
    }
    while (open > 0 && steps <= mostSteps) {
      const transfers = search(ledger.fromOf(payment), payment, maxLength - 1)
      const start = transfers?.[0]
      if (transfers === null || start === undefined) break
      const units = transfers.reduce((least, transfer) => Math.min(least, left(transfer)), open)
      for (const transfer of transfers) used.set(transfer, (used.get(transfer) ?? 0) + units)
      open -= units
      found.push({ payment, transfers, units, seconds: time - ledger.timeOf(start) })
    }
  }
  const read = (payment: number): void => {
    if (ledger.toOf(payment) !== asset || ledger.timeOf(payment) < question.from) return
    const payer = ledger.fromOf(payment)
    if (home.has(payer)) {
      found.push({ payment, transfers: [], units: ledger.unitsDown(payment), seconds: 0 })
      return
    }
    // A cycle that ends in slot k began in k or the one before.
    const own = Math.floor(ledger.timeOf(payment) / window)
    if (own !== slot) {
      slot = own
      ring = ringOf(ledger, home, {
        from: ledger.firstAt((slot - 1) * window),
        to: ledger.firstAt((slot + 1) * window),
        hubDegree: question.hubDegree,
      })
    }
    if (ring.has(payer)) close(payment)
  }
  return {
    cycles: () => {
      // The ring of a slot that was read in part may have grown.
      slot = Number.NaN
      for (; cursor < ledger.size && ledger.timeOf(cursor) < question.to; cursor++) read(cursor)
      return found
    },
  }
}

/**
 * Accounts that money of home reaches and from which it comes back, within a range of transfers; home is one node. Only what can reach home is
 * visited, backwards from it.
 */
function ringOf(
  ledger: Ledger,
  home: ReadonlySet<number>,
  { from, to, hubDegree }: { readonly from: number; readonly to: number; readonly hubDegree: number },
): Set<number> {
  const local = new Map<number, number>()
  const edges: number[][] = [[]]
  const open = [...home]
  const nodeOf = (account: number): number => {
    if (home.has(account)) return 0
    const known = local.get(account)
    if (known !== undefined) return known
    local.set(account, edges.length)
    open.push(account)
    return edges.push([]) - 1
  }
  for (let account = open.pop(); account !== undefined; account = open.pop()) {
    const target = nodeOf(account)
    const incoming = ledger.into(account)
    for (let at = countBelow(incoming, from); at < incoming.length; at++) {
      const transfer = incoming[at] as number
      if (transfer >= to) break
      const sender = ledger.fromOf(transfer)
      // What leaves a hub is nobody's in particular; through one, everybody would be in everybody's ring.
      if (!home.has(sender) && ledger.degreeOf(transfer) >= hubDegree) continue
      const source = nodeOf(sender)
      if (source !== target) edges[source]?.push(target)
    }
  }
  const component = strongComponents(edges)
  const members = new Set<number>()
  for (const [account, node] of local) if (component[node] === component[0]) members.add(account)
  return members
}

/** @internal How many of rising numbers are below a limit. */
export function countBelow(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) < limit) low = middle + 1
    else high = middle
  }
  return low
}
