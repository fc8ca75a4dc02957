import { type Cycle, createCycleSearch } from './cycles.ts'
import { explain, type Finding } from './findings.ts'
import { createFundingFlow, type FundingPath } from './fundingFlow.ts'
import type { Ledger } from './ledger.ts'
import { checkMeter, type MeterCheck, type MeterReading } from './meter.ts'
import { type RevenueSignals, revenueSignals } from './signals.ts'

/** Whose revenue is examined, over which period. */
export interface RevenueQuestion {
  readonly asset: string
  /** Accounts of owner and operator, and what is known to belong to them. */
  readonly related: readonly string[]
  /** Unix seconds, the end not included. */
  readonly from: number
  readonly to: number
}

/** How to look. Each has a default. */
export interface ExaminationLimits {
  /** Seconds in which money is followed before and after the period. Default 30 days. */
  readonly lookback?: number
  /** Counterparties from which on an account is a hub. Default 64. */
  readonly hubDegree?: number
  /** Share of a hub's income below which it is a stranger. Default 0.05. */
  readonly leastHubShare?: number
  /** Longest cycles to look for, in transfers. Default 6. */
  readonly maxLength?: number
}

/** One payment with what was found about it. Money in the currency's smallest unit. */
export interface ExaminedPayment {
  readonly id: string
  readonly time: number
  readonly payer: string
  readonly amount: bigint
  /** The most of it that can be related money. */
  readonly fundable: bigint
  /** What of it did come round within 30 days. */
  readonly circular: bigint
}

/** Cycled revenue by window. */
export interface CycledRevenue {
  readonly window: '1 h' | '1 d' | '7 d' | '30 d'
  readonly amount: bigint
  readonly share: number
}

/** What there is to know about an asset's revenue before lending against it. */
export interface RevenueReport {
  readonly asset: string
  readonly from: number
  readonly to: number
  readonly revenue: bigint
  /** What cannot have been the operator's own money and what the meter supports: lend against this. */
  readonly adjusted: bigint
  /** Upper bound: the most that related accounts can have paid themselves, as a share of revenue. */
  readonly fundableShare: number
  /** Lower bound: what did come round within 30 days. */
  readonly circularShare: number
  readonly cycled: readonly CycledRevenue[]
  /** Share of paid machine time that receipts, capacity, challenges and energy support; null without a reading. */
  readonly attestedShare: number | null
  readonly meter: MeterCheck | null
  readonly signals: RevenueSignals
  /** What stands out, gravest first, each with its evidence. */
  readonly findings: readonly Finding[]
  readonly payments: readonly ExaminedPayment[]
}

/** Examines the revenue of assets of one ledger, again and again as it grows. */
export interface RevenueExaminer {
  /** The report of one question; asking again costs what is new in the ledger. Throws {@link ParameterError}. */
  readonly examine: (question: RevenueQuestion, meter?: MeterReading) => RevenueReport
}

const day = 86_400
const windows = [
  ['1 h', 3600],
  ['1 d', day],
  ['7 d', 7 * day],
  ['30 d', 30 * day],
] as const
/** Questions whose networks are kept; the oldest is forgotten first. */
const mostKept = 64

/**
 * Is the revenue real? Answers with an upper bound (what related accounts can have paid themselves), a lower bound (what did come
 * round), what the meter supports, weak signs, and the evidence of each. `adjusted` is revenue less the upper bound, which holds the lower, and no
 * more than the meter supports; it does not depend on when or how often it is asked for. Which of several payments the same money is set
 * against may. What it cannot see stands in docs/guides/revenue.md.
 *
 * @example
 * const { adjusted, findings } = createRevenueExaminer(ledger).examine({ asset: 'asset 7', related: ['0xowner'], from, to })
 */
export function createRevenueExaminer(ledger: Ledger, limits: ExaminationLimits = {}): RevenueExaminer {
  const lookback = limits.lookback ?? 30 * day
  const hubDegree = limits.hubDegree ?? 64
  const leastHubShare = limits.leastHubShare ?? 0.05
  const maxLength = limits.maxLength ?? 6
  const kept = new Map<string, ReturnType<typeof follow>>()
  let cuts = ledger.cuts
  const follow = (question: RevenueQuestion) => ({
    flow: createFundingFlow(ledger, { ...question, lookback, hubDegree, leastHubShare }),
    searches: windows.map(([name, window]) => ({
      name,
      // Never further back than the flow looks, so that what did come round is part of what can have.
      search: createCycleSearch(ledger, {
        ...question,
        window: Math.min(window, lookback),
        maxLength,
        hubDegree,
      }),
    })),
  })
  return {
    examine: (question, meter) => {
      if (cuts !== ledger.cuts) kept.clear()
      cuts = ledger.cuts
      const key = JSON.stringify([question.asset, question.related, question.from, question.to])
      const state = kept.get(key) ?? follow(question)
      kept.delete(key)
      kept.set(key, state)
      const [oldest] = kept.keys()
      if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
      const rings = state.searches.map(({ name, search }) => ({ name, cycles: search.cycles() }))
      return report(ledger, question, {
        funded: state.flow.payments(),
        paths: state.flow.paths(),
        rings,
        meter: meter === undefined ? null : checkMeter(meter),
        signals: revenueSignals(ledger, { ...question, hubDegree }),
      })
    },
  }
}

function report(
  ledger: Ledger,
  question: RevenueQuestion,
  seen: {
    readonly funded: readonly { readonly transfer: number; readonly paid: number; readonly funded: number }[]
    readonly paths: readonly FundingPath[]
    readonly rings: readonly { readonly name: CycledRevenue['window']; readonly cycles: readonly Cycle[] }[]
    readonly meter: MeterCheck | null
    readonly signals: RevenueSignals
  },
): RevenueReport {
  const money = (units: number) => BigInt(units) * ledger.unit
  const longest = seen.rings.at(-1)?.cycles ?? []
  const cycled = new Map<number, number>()
  for (const { payment, units } of longest) cycled.set(payment, (cycled.get(payment) ?? 0) + units)
  let [revenue, fundable, circular] = [0, 0, 0]
  const payments = seen.funded.map(({ transfer, paid, funded }) => {
    const round = cycled.get(transfer) ?? 0
    revenue += paid
    fundable += funded
    circular += round
    return {
      id: ledger.idOf(transfer),
      time: ledger.timeOf(transfer),
      payer: ledger.nameOf(ledger.fromOf(transfer)),
      amount: money(paid),
      fundable: money(funded),
      circular: money(round),
    }
  })
  const share = (units: number) => (revenue === 0 ? 0 : units / revenue)
  const supported = supportedOf(seen.meter, revenue, ledger.unit)
  const partial = {
    asset: question.asset,
    from: question.from,
    to: question.to,
    revenue: money(revenue),
    adjusted: money(Math.min(revenue - fundable, supported)),
    fundableShare: share(fundable),
    circularShare: share(circular),
    cycled: seen.rings.map(({ name, cycles }) => {
      const units = cycles.reduce((sum, cycle) => sum + cycle.units, 0)
      return { window: name, amount: money(units), share: share(units) }
    }),
    attestedShare: seen.meter?.supported ?? null,
    meter: seen.meter,
    signals: seen.signals,
    payments,
  }
  return { ...partial, findings: explain(ledger, { ...partial, paths: seen.paths, cycles: longest }) }
}

/** Revenue that the meter supports, in units rounded down; it says nothing of what was not paid for machine time. */
function supportedOf(meter: MeterCheck | null, revenue: number, unit: bigint): number {
  if (meter === null) return revenue
  const metered = meter.paid === null ? revenue : Math.min(revenue, Number((meter.paid + unit - 1n) / unit))
  return Math.floor(revenue - metered * (1 - meter.supported))
}
