import { herfindahl } from '../concentration/herfindahl.ts'
import { countBelow } from './cycles.ts'
import type { Ledger } from './ledger.ts'

/** Weak signs: each has honest causes, none proves anything. Shares are of revenue, of [0, 1]. */
export interface RevenueSignals {
  readonly payers: number
  /** Herfindahl index of the payers; 1 without revenue. */
  readonly payerConcentration: number
  readonly largestPayer: { readonly account: string; readonly share: number } | null
  /** Paid by accounts that had never been seen until a week before their first payment. */
  readonly newPayers: number
  /** Paid by accounts whose very first income came from one and the same account, the most that any such account reaches; hubs left out. */
  readonly commonFunder: { readonly account: string; readonly share: number } | null
  /** Paid by accounts that related accounts paid in the same period, up to what they got. */
  readonly reciprocal: number
  /** Payments, by number, of at most two significant digits. Prices by the second are not round; fixed prices are. */
  readonly round: number
  /** Paid by accounts that paid five times or more at nearly equal intervals (coefficient of variation below 0.05). */
  readonly regular: number
}

const week = 604_800

/**
 * Signs of arranged revenue in the payments of a period that do not need a path of money.
 * Sources: roundness as the best single test, arXiv 2311.18717; first funders as in Tošić et al., arXiv 2312.16603; reciprocity and regularity as
 * in von Wachter et al., arXiv 2202.03866.
 *
 * @example
 * revenueSignals(ledger, { asset: 'asset 7', related: ['0xowner'], from, to, hubDegree: 64 }).payerConcentration
 */
export function revenueSignals(
  ledger: Ledger,
  question: {
    readonly asset: string
    readonly related: readonly string[]
    readonly from: number
    readonly to: number
    readonly hubDegree: number
  },
): RevenueSignals {
  const asset = ledger.account(question.asset)
  const related = new Set(question.related.map(ledger.account))
  const byPayer = new Map<number, { paid: number; got: number; first: number; readonly times: number[] }>()
  let total = 0
  let count = 0
  let round = 0
  const paid = ledger.into(asset)
  for (let at = countBelow(paid, ledger.firstAt(question.from)); at < paid.length; at++) {
    const transfer = paid[at] as number
    if (ledger.timeOf(transfer) >= question.to) break
    const payer = ledger.fromOf(transfer)
    const units = ledger.unitsDown(transfer)
    const entry = byPayer.get(payer) ?? { paid: 0, got: 0, first: transfer, times: [] }
    entry.paid += units
    entry.times.push(ledger.timeOf(transfer))
    byPayer.set(payer, entry)
    total += units
    count++
    if (isRound(units)) round++
  }
  let [fresh, reciprocal, regular] = [0, 0, 0]
  const funders = new Map<number, number>()
  for (const [payer, { paid, first, times }] of byPayer) {
    const incoming = ledger.into(payer)
    const born = ledger.timeOf(incoming[0] ?? first)
    if (Math.min(born, ledger.timeOf(first)) > ledger.timeOf(first) - week) fresh += paid
    if (isRegular(times)) regular += paid
    const firstIncome = incoming[0]
    if (firstIncome !== undefined && ledger.degreeOf(firstIncome) < question.hubDegree) {
      const funder = ledger.fromOf(firstIncome)
      funders.set(funder, (funders.get(funder) ?? 0) + paid)
    }
    const got = incoming.reduce((sum, transfer) => {
      const time = ledger.timeOf(transfer)
      const inPeriod = time >= question.from && time < question.to
      const from = ledger.fromOf(transfer)
      return inPeriod && (from === asset || related.has(from)) ? sum + ledger.unitsUp(transfer) : sum
    }, 0)
    reciprocal += Math.min(paid, got)
  }
  const part = (units: number) => (total === 0 ? 0 : units / total)
  const largest = largestOf([...byPayer].map(([account, { paid }]) => [account, paid]))
  const funder = largestOf([...funders])
  const named = (found: readonly [number, number] | null) =>
    found === null ? null : { account: ledger.nameOf(found[0]), share: part(found[1]) }
  return {
    payers: byPayer.size,
    payerConcentration: herfindahl([...byPayer.values()].map(({ paid }) => paid)),
    largestPayer: named(largest),
    newPayers: part(fresh),
    commonFunder: named(funder),
    reciprocal: part(reciprocal),
    round: count === 0 ? 0 : round / count,
    regular: part(regular),
  }
}

/** At most two digits before zeros, of at least four digits: 1,200 is round, 1,234 is not, and 12 says nothing. */
function isRound(units: number): boolean {
  if (units < 1000) return false
  const digits = Math.floor(Math.log10(units)) + 1
  return units % 10 ** (digits - 2) === 0
}

function isRegular(times: readonly number[]): boolean {
  if (times.length < 5) return false
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
  return mean > 0 && Math.sqrt(variance) < 0.05 * mean
}

function largestOf(entries: readonly (readonly [number, number])[]): readonly [number, number] | null {
  return entries.reduce<readonly [number, number] | null>(
    (best, entry) => (best === null || entry[1] > best[1] ? entry : best),
    null,
  )
}
