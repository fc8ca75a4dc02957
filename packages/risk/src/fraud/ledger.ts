import { requireWhole } from '../errors/require.ts'
import { AmountRangeError, TransferOrderError } from './errors.ts'

/** Money that moved: between accounts, from a payer into an asset's till, or out of it. */
export interface Transfer {
  /** Names it in evidence: a transaction and its log. */
  readonly id: string
  /** Unix seconds. */
  readonly time: number
  /** Account, or asset. */
  readonly from: string
  readonly to: string
  /** In the currency's smallest unit. */
  readonly amount: bigint
}

/** All transfers of one currency, in order, in columns. */
export interface Ledger {
  /** In how many smallest units amounts are counted. */
  readonly unit: bigint
  /** How many transfers it holds. */
  readonly size: number
  /** Rises whenever transfers were taken out, so that whoever read them begins anew. */
  readonly cuts: number
  /** Adds transfers in the order of the chain. Throws {@link AmountRangeError}, {@link TransferOrderError}; then none was added. */
  readonly add: (transfers: readonly Transfer[]) => void
  /** Takes out all but the first `size` transfers, after a reorganisation. Throws {@link ParameterError}. */
  readonly cut: (size: number) => void
  /** Number of an account; it is given one if it has none. */
  readonly account: (name: string) => number
  /** Whether an account has a number. */
  readonly knows: (name: string) => boolean
  readonly nameOf: (account: number) => string
  readonly accounts: number
  readonly idOf: (transfer: number) => string
  readonly timeOf: (transfer: number) => number
  readonly fromOf: (transfer: number) => number
  readonly toOf: (transfer: number) => number
  /** Amount in units: rounded up, as money that may have been passed on; rounded down, as revenue. */
  readonly unitsUp: (transfer: number) => number
  readonly unitsDown: (transfer: number) => number
  /** With how many accounts the sender had dealt by then, this transfer included. */
  readonly degreeOf: (transfer: number) => number
  /** Index of the first transfer of `time` or later. */
  readonly firstAt: (time: number) => number
  /** Transfers into an account, oldest first. */
  readonly into: (account: number) => readonly number[]
}

/**
 * An empty ledger. `unit`: in how many of the currency's smallest units amounts are counted, 1n for currencies of six decimals, 10n ** 12n
 * for those of 18: sums must stay below 2^53 units. Rounding never overstates revenue and never understates what may have funded it.
 *
 * @example
 * const ledger = createLedger(1n)
 * ledger.add([{ id: '0x…:3', time: 1_764_000_000, from: '0xpayer', to: 'asset 7', amount: 5_000_000n }])
 */
export function createLedger(unit: bigint): Ledger {
  const numbers = new Map<string, number>()
  const names: string[] = []
  const ids: string[] = []
  const times: number[] = []
  const from: number[] = []
  const to: number[] = []
  const up: number[] = []
  const down: number[] = []
  const incoming: number[][] = []
  const degrees: number[] = []
  const pairs = new Set<number>()
  /** Transfers that brought two accounts together, and how many each account has met. */
  const firsts = new Set<number>()
  const met: number[] = []
  let total = 0
  let cuts = 0
  const account = (name: string): number => {
    const known = numbers.get(name)
    if (known !== undefined) return known
    const number = names.length
    numbers.set(name, number)
    names.push(name)
    incoming.push([])
    met.push(0)
    return number
  }
  const check = (transfers: readonly Transfer[]): void => {
    let least = times.at(-1) ?? Number.NEGATIVE_INFINITY
    let sum = total
    for (const { id, time, amount } of transfers) {
      if (!(time >= least)) throw new TransferOrderError({ transfer: id, time, least })
      least = time
      sum += Number((amount + unit - 1n) / unit)
      if (amount < 0n || sum > Number.MAX_SAFE_INTEGER)
        throw new AmountRangeError({ transfer: id, amount, unit })
    }
  }
  return {
    unit,
    get size() {
      return ids.length
    },
    get cuts() {
      return cuts
    },
    get accounts() {
      return names.length
    },
    add: (transfers) => {
      check(transfers)
      for (const transfer of transfers) {
        const units = Number((transfer.amount + unit - 1n) / unit)
        const source = account(transfer.from)
        const target = account(transfer.to)
        incoming[target]?.push(ids.length)
        if (meet(pairs, source, target)) {
          firsts.add(ids.length)
          met[source] = (met[source] ?? 0) + 1
          met[target] = (met[target] ?? 0) + 1
        }
        degrees.push(met[source] ?? 0)
        ids.push(transfer.id)
        times.push(transfer.time)
        from.push(source)
        to.push(target)
        up.push(units)
        down.push(Number(transfer.amount / unit))
        total += units
      }
    },
    cut: (size) => {
      requireWhole('size of the ledger', size, 0)
      if (size >= ids.length) return
      for (let transfer = ids.length - 1; transfer >= size; transfer--) {
        total -= up[transfer] ?? 0
        const [source, sink] = [from[transfer] ?? 0, to[transfer] ?? 0]
        incoming[sink]?.pop()
        if (!firsts.delete(transfer)) continue
        pairs.delete(pairOf(source, sink))
        met[source] = (met[source] ?? 0) - 1
        met[sink] = (met[sink] ?? 0) - 1
      }
      for (const column of [times, from, to, up, down, degrees]) column.length = size
      ids.length = size
      cuts++
    },
    account,
    knows: (name) => numbers.has(name),
    nameOf: (number) => names[number] ?? '',
    idOf: (transfer) => ids[transfer] ?? '',
    timeOf: (transfer) => times[transfer] ?? Number.NaN,
    fromOf: (transfer) => from[transfer] ?? -1,
    toOf: (transfer) => to[transfer] ?? -1,
    unitsUp: (transfer) => up[transfer] ?? 0,
    unitsDown: (transfer) => down[transfer] ?? 0,
    degreeOf: (transfer) => degrees[transfer] ?? 0,
    into: (number) => incoming[number] ?? [],
    firstAt: (time) => {
      let [low, high] = [0, times.length]
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((times[middle] ?? 0) < time) low = middle + 1
        else high = middle
      }
      return low
    },
  }
}

/** One number for two accounts, whichever pays; exact for up to 2^26 accounts. */
function pairOf(a: number, b: number): number {
  return Math.max(a, b) * 2 ** 26 + Math.min(a, b)
}

/** Notes that two accounts have dealt with each other; whether that is new. */
function meet(pairs: Set<number>, a: number, b: number): boolean {
  const pair = pairOf(a, b)
  if (a === b || pairs.has(pair)) return false
  pairs.add(pair)
  return true
}
