import { effectiveNames, herfindahl } from '../concentration/herfindahl.ts'
import { requireRange } from '../errors/require.ts'
import { strongComponents } from '../graph/components.ts'
import { type FacilityBook, valueFacilities } from './valueFacilities.ts'

/** What stands behind a facility's junior line, through everything it holds. */
export interface FacilityLeverage {
  readonly facility: string
  /** Exposure to each obligor, largest first, in whole units of currency. */
  readonly exposures: readonly { readonly obligor: string; readonly amount: number }[]
  /** Sum of the exposures over the junior line's value; Infinity where that is nothing. */
  readonly leverage: number
  readonly herfindahl: number
  readonly effectiveNames: number
  /** Facilities that own units of each other, this one among them; empty if there is no loop. */
  readonly loop: readonly string[]
}

/**
 * Leverage and concentration of facilities through the units they hold. A junior unit stands for its share of everything behind it;
 * a senior unit for its share of what backs the senior claim. Sources: the look-through of CRR art. 132a; leverage as in the
 * commitment method of AIFMD, art. 8 of Regulation 231/2013. Throws what {@link valueFacilities} does.
 *
 * @example
 * lookThroughLeverage(facilities).find(({ facility }) => facility === 'gpu-fund')?.leverage
 */
export function lookThroughLeverage(facilities: readonly FacilityBook[]): readonly FacilityLeverage[] {
  const values = valueFacilities(facilities)
  const loops = loopsOf(facilities)
  let exposures = new Map(facilities.map(({ id }) => [id, new Map<string, number>()]))
  for (let round = 0; round < 100_000; round++) {
    let moved = 0
    const next = new Map<string, Map<string, number>>()
    for (const { id, loans, holdings } of facilities) {
      const seen = new Map<string, number>()
      const add = (obligor: string, amount: number) => seen.set(obligor, (seen.get(obligor) ?? 0) + amount)
      for (const { obligor, value } of loans) add(obligor, value)
      for (const { facility, line, share } of holdings) {
        const behind = values.get(facility)
        if (behind === undefined || behind.assets === 0) continue
        const part = line === 'senior' ? behind.senior / behind.assets : behind.junior > 0 ? 1 : 0
        for (const [obligor, amount] of exposures.get(facility) ?? []) add(obligor, share * part * amount)
      }
      for (const [obligor, amount] of seen)
        moved = Math.max(moved, Math.abs(amount - (exposures.get(id)?.get(obligor) ?? 0)))
      next.set(id, seen)
    }
    exposures = next
    if (moved <= 1e-9) break
  }
  return facilities.map(({ id }) => {
    const sorted = [...(exposures.get(id) ?? [])]
      .map(([obligor, amount]) => ({ obligor, amount }))
      .sort((a, b) => b.amount - a.amount)
    const amounts = sorted.map(({ amount }) => amount)
    const total = amounts.reduce((sum, amount) => sum + amount, 0)
    const junior = values.get(id)?.junior ?? 0
    return {
      facility: id,
      exposures: sorted,
      leverage: total === 0 ? 0 : total / junior,
      herfindahl: herfindahl(amounts),
      effectiveNames: effectiveNames(amounts),
      loop: loops.get(id) ?? [],
    }
  })
}

/** Everything that claims one asset, in whole units of currency. */
export interface AssetClaims {
  readonly senior: number
  readonly junior: number
  /** What holders of shares paid for their claim on revenue. */
  readonly shares: number
  /** Machine time sold in advance and not delivered. */
  readonly capacity: number
  /** Value by the depreciation curve. */
  readonly value: number
}

/**
 * Claims on one asset over its value: above 1 more has been promised than is there. Infinity where nothing is there.
 * Throws {@link ParameterError}.
 *
 * @example
 * assetLeverage({ senior: 60, junior: 20, shares: 30, capacity: 10, value: 100 }) // 1.2
 */
export function assetLeverage(claims: AssetClaims): number {
  const parts = [claims.senior, claims.junior, claims.shares, claims.capacity]
  const total = parts.reduce((sum, part) => sum + requireRange('claim', part, [0, Number.MAX_VALUE]), 0)
  requireRange('value of the asset', claims.value, [0, Number.MAX_VALUE])
  return total === 0 ? 0 : total / claims.value
}

function loopsOf(facilities: readonly FacilityBook[]): ReadonlyMap<string, readonly string[]> {
  const index = new Map(facilities.map(({ id }, at) => [id, at]))
  const edges = facilities.map(({ holdings }) =>
    holdings.flatMap(({ facility, share }) => (share > 0 ? [index.get(facility) ?? -1] : [])),
  )
  const component = strongComponents(edges)
  return new Map(
    facilities.map(({ id }, at) => {
      const members = facilities.filter((_, other) => component[other] === component[at]).map((one) => one.id)
      const ownsItself = edges[at]?.includes(at) ?? false
      return [id, members.length > 1 || ownsItself ? members : []]
    }),
  )
}
