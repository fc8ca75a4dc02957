import { RiskError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'

/** A line of a facility whose units can be held. */
export type Line = 'senior' | 'junior'

/** Units of one facility in the book of another. */
export interface UnitHolding {
  /** Id of the facility whose units they are. */
  readonly facility: string
  readonly line: Line
  /** Share of that line's units, of [0, 1]. */
  readonly share: number
}

/** A facility as others see it. Money in whole units of one currency. */
export interface FacilityBook {
  readonly id: string
  readonly cash: number
  /** Loans to machines, at what they are worth. */
  readonly loans: readonly { readonly obligor: string; readonly value: number }[]
  readonly holdings: readonly UnitHolding[]
  /** What the senior line is owed. */
  readonly seniorClaim: number
}

/** What a facility's lines are worth if all that stands behind them is real. */
export interface FacilityValue {
  readonly assets: number
  readonly senior: number
  readonly junior: number
}

/** A facility is not known, or is named twice. */
export class FacilityUnknownError extends RiskError {
  override readonly name = 'FacilityUnknownError'
  constructor(options: { readonly facility: string; readonly problem: string }) {
    super({
      code: 'RISK_FACILITY',
      message: `The facility "${options.facility}" ${options.problem}.`,
      remedy: 'Pass every facility whose units another holds, each once.',
      details: options,
    })
  }
}

/** Facilities own each other wholly, so that nobody outside owns anything and their units have no value. */
export class CircularOwnershipError extends RiskError {
  override readonly name = 'CircularOwnershipError'
  constructor(options: { readonly facilities: readonly string[] }) {
    super({
      code: 'RISK_CIRCULAR_OWNERSHIP',
      message: `The facilities "${options.facilities.join('", "')}" own each other wholly.`,
      remedy: 'Take the units out that they hold of each other: they are worth nothing to anyone else.',
      details: options,
    })
  }
}

/**
 * Values facilities that hold units of each other, from the real assets up: the least fixed point, so that a loop of holdings counts what
 * is really there and no more. Source: Eisenberg and Noe, *Systemic risk in financial systems*, Management Science 47 (2001), with seniority
 * as in Elsinger (2009). Throws {@link FacilityUnknownError}, {@link CircularOwnershipError}, {@link ParameterError}.
 *
 * @example
 * valueFacilities(facilities).get('gpu-fund')?.junior
 */
export function valueFacilities(facilities: readonly FacilityBook[]): ReadonlyMap<string, FacilityValue> {
  checkFacilities(facilities)
  const own = new Map(
    facilities.map(({ id, cash, loans }) => [id, loans.reduce((sum, { value }) => sum + value, cash)]),
  )
  const scale = [...own.values()].reduce((sum, value) => sum + value, 1)
  let values = new Map<string, FacilityValue>(
    facilities.map(({ id }) => [id, { assets: 0, senior: 0, junior: 0 }]),
  )
  // Each round adds what one more step of holding brings; loops shrink by the product of their shares.
  for (let round = 0; round < 100_000; round++) {
    let moved = 0
    const next = new Map<string, FacilityValue>()
    for (const { id, holdings, seniorClaim } of facilities) {
      const held = holdings.reduce(
        (sum, { facility, line, share }) => sum + share * (values.get(facility)?.[line] ?? 0),
        0,
      )
      const assets = (own.get(id) ?? 0) + held
      const senior = Math.min(seniorClaim, assets)
      moved = Math.max(moved, assets - (values.get(id)?.assets ?? 0))
      next.set(id, { assets, senior, junior: assets - senior })
    }
    values = next
    if (moved <= 1e-12 * scale) return values
  }
  throw new CircularOwnershipError({ facilities: facilities.map(({ id }) => id) })
}

function checkFacilities(facilities: readonly FacilityBook[]): void {
  const ids = new Set<string>()
  for (const { id } of facilities) {
    if (ids.has(id)) throw new FacilityUnknownError({ facility: id, problem: 'is named twice' })
    ids.add(id)
  }
  const held = new Map<string, number>()
  const amounts = [0, Number.MAX_VALUE] as const
  for (const { id, cash, seniorClaim, loans, holdings } of facilities) {
    requireRange('cash of a facility', cash, amounts)
    requireRange('senior claim', seniorClaim, amounts)
    for (const { value } of loans) requireRange('value of a loan', value, amounts)
    for (const { facility, line, share } of holdings) {
      if (!ids.has(facility))
        throw new FacilityUnknownError({ facility, problem: `is held by "${id}" and not known` })
      requireRange('share of a line', share, [0, 1])
      const key = `${line} ${facility}`
      held.set(
        key,
        requireRange(`share of ${key} that is held in all`, (held.get(key) ?? 0) + share, [0, 1 + 1e-9]),
      )
    }
  }
}
