import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'

/**
 * Herfindahl index of exposures, `Σwᵢ²` of their shares: 1 where one holds everything, 1/n where n hold the same; 1 for an empty book.
 * Source: Herfindahl (1950), Hirschman (1964). Throws {@link ParameterError} for negative exposures.
 *
 * @example
 * herfindahl([50, 30, 20]) // 0.38
 */
export function herfindahl(exposures: readonly number[]): number {
  const total = exposures.reduce(
    (sum, exposure) => sum + requireRange('exposure', exposure, [0, Number.MAX_VALUE]),
    0,
  )
  if (total === 0) return 1
  return exposures.reduce((sum, exposure) => sum + (exposure / total) ** 2, 0)
}

/**
 * How many equal names would be as concentrated: `1/H`. Alarm below 10. Source: Adelman (1969). Throws {@link ParameterError}.
 *
 * @example
 * effectiveNames([50, 30, 20]) // 2.63
 */
export function effectiveNames(exposures: readonly number[]): number {
  return 1 / herfindahl(exposures)
}

/** The points of view from which a book is looked through. */
export const dimensions = [
  'obligor',
  'operator',
  'hardware',
  'site',
  'jurisdiction',
  'currency',
  'marketplace',
] as const
export type Dimension = (typeof dimensions)[number]

/** One exposure, with its name in each dimension. */
export interface Exposure {
  /** In whole units of currency. */
  readonly amount: number
  readonly names: Readonly<Record<Dimension, string>>
}

/** How concentrated a book is in one dimension. */
export interface LookThrough {
  readonly dimension: Dimension
  readonly herfindahl: number
  readonly effectiveNames: number
  readonly top: { readonly name: string; readonly share: number }
  /** Whether `1/H` is below 10 or the top name above 10 %. */
  readonly alarm: boolean
}

/**
 * Looks through a book in seven dimensions, the most concentrated first: a book of a hundred obligors is one bet if all rent out the same
 * chip. Throws {@link ParameterError}.
 *
 * @example
 * lookThrough(exposures)[0] // the worst
 */
export function lookThrough(
  exposures: readonly Exposure[],
  alarm: { readonly leastNames: number; readonly topShare: number } = { leastNames: 10, topShare: 0.1 },
): readonly LookThrough[] {
  const total = exposures.reduce((sum, { amount }) => sum + amount, 0)
  if (!(total > 0))
    throw new ParameterError({ parameter: 'total exposure', value: total, allowed: 'above zero' })
  return dimensions
    .map((dimension) => {
      const byName = new Map<string, number>()
      for (const { amount, names } of exposures)
        byName.set(names[dimension], (byName.get(names[dimension]) ?? 0) + amount)
      const index = herfindahl([...byName.values()])
      const [name, amount] = [...byName].reduce((a, b) => (b[1] > a[1] ? b : a))
      const top = { name, share: amount / total }
      return {
        dimension,
        herfindahl: index,
        effectiveNames: 1 / index,
        top,
        alarm: 1 / index < alarm.leastNames || top.share > alarm.topShare,
      }
    })
    .sort((a, b) => b.herfindahl - a.herfindahl)
}
