import type { RevenueQuestion, RevenueReport } from '../examineRevenue.ts'
import type { Transfer } from '../ledger.ts'
import { type Scheme, washOnce } from './schemes.ts'
import {
  asset,
  createWorld,
  day,
  liveHonestly,
  operator,
  owner,
  periodStart,
  settle,
  worldEnd,
} from './world.ts'

/** Payments with false ones among them, and which they are. */
export interface PlantedLedger {
  readonly transfers: readonly Transfer[]
  readonly question: RevenueQuestion
  /** By id of the payment: how much of it is the operator's own money. Payments that are not here are honest. */
  readonly washed: ReadonlyMap<string, bigint>
}

/**
 * Ninety days of an economy around one asset, in whose last thirty its operator makes false revenue by a scheme, of about `share` of its
 * honest revenue; or honest days alone where the scheme is null. The same seed makes the same ledger.
 *
 * @example
 * const { transfers, question, washed } = plantWash({ seed: 1, scheme: 'ring of two', share: 0.5 })
 */
export function plantWash(options: {
  readonly seed: number
  readonly scheme: Scheme | null
  readonly share: number
}): PlantedLedger {
  const world = createWorld(options.seed)
  liveHonestly(world)
  const honest = world.moves.reduce(
    (sum, { to, time, amount }) => (to === asset && time >= periodStart ? sum + Number(amount) / 1e6 : sum),
    0,
  )
  if (options.scheme !== null) {
    const rounds = 12
    for (let round = 0; round < rounds; round++) {
      const time = periodStart + world.between(0.5, 26) * day
      const amount = ((honest * options.share) / rounds) * world.between(0.6, 1.4)
      washOnce(world, options.scheme, { time, amount, tag: `wash ${round}` })
    }
  }
  const { transfers, washed } = settle(world)
  return {
    transfers,
    washed,
    question: { asset, related: [owner, operator], from: periodStart, to: worldEnd },
  }
}

/** How well a report tells the planted from the honest. Shares are of money. */
export interface WashScore {
  /** Of what the report takes out of revenue, the share that is false. 1 if it takes nothing out. */
  readonly precision: number
  /** Of what is false, the share that the report takes out. 1 if nothing is false. */
  readonly recall: number
  /** Payments of which half or more is taken out, among them those that are false, and how many are false. */
  readonly flagged: number
  readonly flaggedRightly: number
  readonly planted: number
  /** Honest revenue that is taken out, as a share of honest revenue. */
  readonly honestLost: number
}

/**
 * Scores a report against the truth of {@link plantWash}: of each payment, what is taken out is right as far as it is false.
 *
 * @example
 * scoreReport(report, washed).recall
 */
export function scoreReport(report: RevenueReport, washed: ReadonlyMap<string, bigint>): WashScore {
  let [excluded, right, all, revenue] = [0, 0, 0, 0]
  let [flagged, flaggedRightly] = [0, 0]
  for (const { id, amount, fundable } of report.payments) {
    const out = Number(fundable)
    const truth = Number(washed.get(id) ?? 0n)
    excluded += out
    right += Math.min(out, truth)
    all += truth
    revenue += Number(amount)
    if (2 * out < Number(amount)) continue
    flagged++
    if (truth > 0) flaggedRightly++
  }
  return {
    precision: excluded === 0 ? 1 : right / excluded,
    recall: all === 0 ? 1 : right / all,
    flagged,
    flaggedRightly,
    planted: washed.size,
    honestLost: revenue === all ? 0 : (excluded - right) / (revenue - all),
  }
}
