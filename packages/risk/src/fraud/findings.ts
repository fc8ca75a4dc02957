import type { Cycle } from './cycles.ts'
import type { FundingPath } from './fundingFlow.ts'
import type { Ledger } from './ledger.ts'
import { type MeterCheck, meterSources } from './meter.ts'
import type { RevenueSignals } from './signals.ts'

/** One transfer of a piece of evidence. */
export interface EvidenceStep {
  readonly id: string
  readonly time: number
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** Money on its way: how much of it, and over which transfers, the payment into the asset last or, if it came back later, first. */
export interface EvidencePath {
  readonly amount: bigint
  readonly steps: readonly EvidenceStep[]
}

/** What was found. */
export type FindingType =
  | 'paid by a related account'
  | 'funded before'
  | 'reimbursed after'
  | 'circular'
  | 'unsupported by the meter'
  | 'no reading'
  | 'concentrated payers'
  | 'new payers'
  | 'common funder'
  | 'reciprocal payers'
  | 'round amounts'
  | 'regular payments'

/** Something that stands out, in a sentence and with its evidence. */
export interface Finding {
  readonly type: FindingType
  readonly weight: 'high' | 'medium' | 'low'
  /** Share of revenue that it concerns. */
  readonly share: number
  readonly sentence: string
  /** The largest paths; empty where a number is all there is. */
  readonly evidence: readonly EvidencePath[]
  /** Paths beyond those shown. */
  readonly more: number
}

/** Paths shown with a finding. */
const mostPaths = 10

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const order = { high: 0, medium: 1, low: 2 } as const

/** Puts what was seen into findings, gravest first. */
export function explain(
  ledger: Ledger,
  seen: {
    readonly revenue: bigint
    readonly paths: readonly FundingPath[]
    readonly cycles: readonly Cycle[]
    readonly meter: MeterCheck | null
    readonly signals: RevenueSignals
  },
): readonly Finding[] {
  const { signals, meter } = seen
  const total = Number(seen.revenue / ledger.unit)
  const found: Finding[] = []
  const byWay = (way: FundingPath['way']) => seen.paths.filter((path) => path.way === way)
  const weigh = (share: number): Finding['weight'] =>
    share >= 0.2 ? 'high' : share >= 0.05 ? 'medium' : 'low'
  const onPaths = (
    type: FindingType,
    paths: readonly {
      readonly payment: number
      readonly transfers: readonly number[]
      readonly units: number
    }[],
    say: (share: string) => string,
  ) => {
    const units = paths.reduce((sum, path) => sum + path.units, 0)
    if (units === 0 || total === 0) return
    const share = units / total
    const evidence = paths
      .toSorted((a, b) => b.units - a.units)
      .slice(0, mostPaths)
      .map((path) => evidenceOf(ledger, path))
    found.push({
      type,
      weight: weigh(share),
      share,
      sentence: say(percent(share)),
      evidence,
      more: paths.length - evidence.length,
    })
  }
  onPaths('paid by a related account', byWay('paid by a related account'), (share) => {
    return `${share} of revenue was paid by accounts of the owner or operator, or came through an exchange in that proportion.`
  })
  onPaths('funded before', byWay('funded before'), (share) => {
    return `${share} of revenue can have been money that related accounts had sent to the payers before.`
  })
  onPaths('reimbursed after', byWay('reimbursed after'), (share) => {
    return `${share} of revenue can have been given back to its payers by related accounts afterwards.`
  })
  const rings = seen.cycles.filter(({ transfers }) => transfers.length > 0)
  onPaths('circular', rings, (share) => {
    const quickest = rings.reduce((least, { seconds }) => Math.min(least, seconds), Number.POSITIVE_INFINITY)
    return `${share} of revenue came round: it left the asset or its people and was paid in again, the quickest within ${quickest} seconds.`
  })
  const note = (
    type: FindingType,
    share: number,
    [from, weight]: readonly [number, Finding['weight']],
    sentence: string,
  ) => {
    if (share > from) found.push({ type, weight, share, sentence, evidence: [], more: 0 })
  }
  if (meter !== null) {
    const part = meter.paid === null || total === 0 ? 1 : Number(meter.paid / ledger.unit) / total
    const missing = (1 - meter.supported) * Math.min(1, part)
    const by = meter.limits.map((limit) => limit.by).join(', ')
    note(
      'unsupported by the meter',
      missing,
      [0, weigh(missing)],
      `${percent(1 - meter.supported)} of the paid machine time exceeds ${by}.`,
    )
  }
  const unread = meter?.unread ?? meterSources
  if (total > 0 && unread.length > 0)
    note('no reading', 1, [0, 'low'], `Readings of ${unread.join(', ')}: none. They support nothing here.`)
  const { largestPayer, commonFunder } = signals
  if (largestPayer !== null)
    note(
      'concentrated payers',
      largestPayer.share,
      [0.25, largestPayer.share > 0.5 ? 'high' : 'medium'],
      `${largestPayer.account} pays ${percent(largestPayer.share)} of revenue; the payers count as ${(1 / signals.payerConcentration).toFixed(1)} equal ones.`,
    )
  note(
    'new payers',
    signals.newPayers,
    [0.25, 'medium'],
    `${percent(signals.newPayers)} of revenue is paid by accounts unseen until a week before.`,
  )
  if (commonFunder !== null)
    note(
      'common funder',
      commonFunder.share,
      [0.3, 'medium'],
      `${percent(commonFunder.share)} of revenue is paid by accounts that ${commonFunder.account} funded first.`,
    )
  note(
    'reciprocal payers',
    signals.reciprocal,
    [0.1, 'medium'],
    `${percent(signals.reciprocal)} of revenue went back to its payers from related accounts in the same period.`,
  )
  note(
    'round amounts',
    signals.round,
    [0.5, 'low'],
    `${percent(signals.round)} of the payments are round sums.`,
  )
  note(
    'regular payments',
    signals.regular,
    [0.5, 'low'],
    `${percent(signals.regular)} of revenue comes at equal intervals.`,
  )
  return found.sort((a, b) => order[a.weight] - order[b.weight] || b.share - a.share)
}

function evidenceOf(
  ledger: Ledger,
  path: { readonly payment: number; readonly transfers: readonly number[]; readonly units: number },
): EvidencePath {
  const all = [...path.transfers, path.payment].sort((a, b) => a - b)
  return {
    amount: BigInt(path.units) * ledger.unit,
    steps: all.map((transfer) => ({
      id: ledger.idOf(transfer),
      time: ledger.timeOf(transfer),
      from: ledger.nameOf(ledger.fromOf(transfer)),
      to: ledger.nameOf(ledger.toOf(transfer)),
      amount: BigInt(ledger.unitsUp(transfer)) * ledger.unit,
    })),
  }
}
