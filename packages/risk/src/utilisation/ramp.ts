import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'

/** How the billed share of a machine's hours grows after it is switched on. */
export interface UtilisationRamp {
  /** Billed share on the first day, of [0, 1]. */
  readonly start: number
  /** Billed share that it tends to, of [start, 1]. Underwrite 0.75 as the median and 0.55 as what nine in ten exceed. */
  readonly plateau: number
  /** Years until 95 % of the way on the curve; three to six months are usual. */
  readonly years: number
}

/** At 0 the logistic curve stands at 5 %, at the end of the ramp at 95 %. */
const steepness = 2 * Math.log(19)

/**
 * Billed share of hours `years` after the start: a logistic curve, shifted so that it begins at `start`. Billed is not busy: hours
 * that nobody pays for do not count. Source: Verhulst (1838), as in Rogers, *Diffusion of Innovations* (1962).
 * Throws {@link ParameterError}.
 *
 * @example
 * utilisationAt({ start: 0.1, plateau: 0.75, years: 0.5 }, 0.25) // 0.41
 */
export function utilisationAt(ramp: UtilisationRamp, years: number): number {
  requireRange('billed share at the start', ramp.start, [0, 1])
  requireRange('billed share in the end', ramp.plateau, [0, 1])
  requireRange('length of the ramp', ramp.years, [Number.MIN_VALUE, 100])
  requireRange('number of years', years, [0, Number.MAX_VALUE])
  if (ramp.plateau < ramp.start)
    throw new ParameterError({
      parameter: 'billed share in the end',
      value: ramp.plateau,
      allowed: `at least what it is at the start, ${ramp.start}`,
    })
  const logistic = 1 / (1 + Math.exp(-steepness * (years / ramp.years - 0.5)))
  return ramp.start + ((ramp.plateau - ramp.start) * (logistic - 0.05)) / 0.95
}
