import { requireRange } from '../errors/require.ts'

/** A step down in value on a known date, such as a new hardware generation. */
export interface ValueStep {
  /** Years after the appraisal. */
  readonly years: number
  /** Share of the value that is lost then, of [0, 1). */
  readonly drop: number
}

/** The published curve along which a machine's appraised value falls. */
export interface DepreciationCurve {
  /** Appraised value at year 0, in whole units of currency. */
  readonly value: number
  /** Continuous loss of value per year: 0.25 is 22 % in the first year. */
  readonly drift: number
  readonly steps?: readonly ValueStep[]
  /** Share of the value that the machine's condition leaves, of (0, 1]. Default 1. */
  readonly health?: number
}

/**
 * Value after `years`, in the unit of `curve.value`: `V₀·e^(−δt)·Π(1−Jₖ)·health`, with every step of that date and before.
 * Base drift 0.25, prudent 0.35, stress 0.60; a new generation takes 0.20 to 0.30, every one to two years.
 * Throws {@link ParameterError} for negative years or a curve out of range.
 *
 * @example
 * valueAt({ value: 30_000, drift: 0.25, steps: [{ years: 1.5, drop: 0.25 }] }, 2) // 13,647
 */
export function valueAt(curve: DepreciationCurve, years: number): number {
  checkCurve(curve)
  requireRange('number of years', years, [0, Number.MAX_VALUE])
  const kept = (curve.steps ?? []).reduce(
    (left, step) => (step.years <= years ? left * (1 - step.drop) : left),
    1,
  )
  return curve.value * Math.exp(-curve.drift * years) * kept * (curve.health ?? 1)
}

/** Outstanding principal from a date on, until the next entry. */
export interface Balance {
  /** Years after the appraisal. */
  readonly years: number
  /** In the unit of the curve's value. */
  readonly principal: number
}

/**
 * The highest loan-to-value over the life of a loan and when it is reached: `debt(t) / (V(t)·(1−haircut))`.
 * Between two entries the debt stands still and the value falls, so the worst moments are just before each entry and at
 * the end. `balances` are in order of time; the last one ends the loan. Infinity where a debt stands against nothing.
 * Haircut: 0.20 to 0.35 for liquidation cost, lost rent while selling, transport. Throws {@link ParameterError}.
 *
 * @example
 * worstLoanToValue({ curve, haircut: 0.25, balances: [{ years: 0, principal: 12_000 }, { years: 2, principal: 0 }] })
 */
export function worstLoanToValue(options: {
  readonly curve: DepreciationCurve
  readonly haircut: number
  readonly balances: readonly Balance[]
}): { readonly ratio: number; readonly years: number } {
  const { curve, balances } = options
  const kept = 1 - requireRange('haircut', options.haircut, [0, 1])
  let worst = { ratio: 0, years: 0 }
  const consider = (principal: number, years: number) => {
    const value = valueAt(curve, years) * kept
    const ratio = principal <= 0 ? 0 : value <= 0 ? Number.POSITIVE_INFINITY : principal / value
    if (ratio > worst.ratio) worst = { ratio, years }
  }
  for (const [at, { principal, years }] of balances.entries()) {
    consider(principal, years)
    const next = balances[at + 1]
    if (next === undefined) continue
    // A payment on the date of a step does not shield the debt that stood there before it.
    requireRange('time of a balance', next.years, [years, Number.MAX_VALUE])
    consider(principal, next.years)
  }
  return worst
}

function checkCurve(curve: DepreciationCurve): void {
  requireRange('appraised value', curve.value, [0, Number.MAX_VALUE])
  requireRange('drift per year', curve.drift, [0, Number.MAX_VALUE])
  requireRange('health', curve.health ?? 1, [0, 1])
  for (const step of curve.steps ?? []) {
    requireRange('time of a step', step.years, [0, Number.MAX_VALUE])
    requireRange('drop of a step', step.drop, [0, 1])
  }
}
