/**
 * The arithmetic of one loan, equal to `LoanMath` of the contracts to the unit; `vectors/loans.json` holds both to it. Amounts in base
 * units, times in Unix seconds, rates in parts per million a year of 365 days.
 */

/** What a loan owes by. Interest owed at time `t` is `principal × rate × t − offset`, in raw units. */
export interface LoanRecord {
  readonly principal: bigint
  /** Drawn in all. */
  readonly drawn: bigint
  readonly rate: number
  /** Raw units: base units × parts per million × seconds of a year. */
  readonly offset: bigint
  /** Whether interest runs: not from impairment on. */
  readonly accrues: boolean
  readonly rampEnd: number
  readonly maturity: number
  /** Part of what reaches debt that is taken even ahead of the plan. */
  readonly revenueBps: number
  /** Coverage below which everything is swept; 0 for no covenant. */
  readonly dscrBps: number
  readonly sweeps: boolean
}

/** What the covenant knows of a loan's revenue. */
export interface LoanCoverage {
  /** Decaying sum of what reached debt. */
  readonly trailing: bigint
  /** Last epoch that was seen. */
  readonly epoch: number
  /** Epochs since the loan was opened. */
  readonly age: number
  /** Good tests in a row while it sweeps. */
  readonly good: number
  readonly sweeps: boolean
}

const bps = 10_000n
/** Parts per million × seconds of a year. */
const unit = 1_000_000n * 31_536_000n
/** Epochs that the trailing sum stands for. */
const trailingEpochs = 30n
const one = 1n << 64n
const mostAmount = (1n << 88n) - 1n
/** Good tests in a row that end a sweep. */
const goodTests = 2

const up = (raw: bigint) => (raw + unit - 1n) / unit
const least = (a: bigint, b: bigint) => (a < b ? a : b)

/**
 * Interest owed at a time, in raw units, never below zero.
 *
 * @param loan The loan.
 * @param time Unix seconds.
 * @returns Base units × parts per million × seconds of a year.
 * @example
 * const raw = rawInterest(loanRecord, now)
 */
export function rawInterest(loan: LoanRecord, time: number): bigint {
  const borne = loan.accrues ? loan.principal * BigInt(loan.rate) * BigInt(time) : 0n
  const raw = borne - loan.offset
  return raw > 0n ? raw : 0n
}

/**
 * Interest owed at a time, rounded up.
 *
 * @param loan The loan.
 * @param time Unix seconds.
 * @returns Base units.
 * @example
 * const interest = loanInterest(loanRecord, now)
 */
export function loanInterest(loan: LoanRecord, time: number): bigint {
  return up(rawInterest(loan, time))
}

/**
 * Principal that the plan leaves outstanding at a time, rounded down: all of it in the ramp, nothing at maturity, by the second in between.
 *
 * @param loan The loan.
 * @param time Unix seconds.
 * @returns Base units.
 * @example
 * const plan = loanPlan(loanRecord, now)
 */
export function loanPlan(loan: Pick<LoanRecord, 'drawn' | 'rampEnd' | 'maturity'>, time: number): bigint {
  if (time >= loan.maturity) return 0n
  if (time <= loan.rampEnd) return loan.drawn
  return (loan.drawn * BigInt(loan.maturity - time)) / BigInt(loan.maturity - loan.rampEnd)
}

/**
 * What is due at a time: interest, and principal ahead of which the plan is.
 *
 * @param loan The loan.
 * @param time Unix seconds.
 * @returns Base units.
 * @example
 * const due = loanDue(loanRecord, now)
 */
export function loanDue(loan: LoanRecord, time: number): bigint {
  const plan = loanPlan(loan, time)
  return loanInterest(loan, time) + (loan.principal > plan ? loan.principal - plan : 0n)
}

/**
 * What a loan takes of money that reaches debt.
 *
 * @param loan The loan; `sweeps` also where it is late or worse.
 * @param time Unix seconds at which what is due is evaluated.
 * @param available Base units.
 * @returns Base units wanted; it gets at most what is available.
 * @example
 * const wanted = loanWanted(loanRecord, now, 100_000_000n)
 */
export function loanWanted(loan: LoanRecord, time: number, available: bigint): bigint {
  const owed = loanInterest(loan, time) + loan.principal
  if (loan.sweeps || !loan.accrues) return owed
  const due = loanDue(loan, time)
  const part = (available * BigInt(loan.revenueBps)) / bps
  return least(part > due ? part : due, owed)
}

/**
 * Debt service over as many epochs as the trailing sum stands for, rounded up.
 *
 * @param loan The loan.
 * @param epochLength Seconds of an epoch of the till.
 * @returns Base units.
 * @example
 * const service = loanService(loanRecord, deployment.epochLength)
 */
export function loanService(loan: LoanRecord, epochLength: number): bigint {
  const time = trailingEpochs * BigInt(epochLength)
  const interest = up(loan.principal * BigInt(loan.rate) * time)
  if (loan.maturity <= loan.rampEnd) return interest
  const term = BigInt(loan.maturity - loan.rampEnd)
  return interest + least((loan.drawn * time + term - 1n) / term, loan.principal)
}

/**
 * Books what reached debt in an epoch. The first time that an epoch is seen, coverage is tested on all epochs before it.
 *
 * @param loan The loan; its `sweeps` is that of `coverage`.
 * @param coverage What is known of its revenue.
 * @param seen Epoch, what was available to debt in base units, and seconds of an epoch.
 * @returns What is known from now on; compare `sweeps` to see whether the sweep began or ended.
 * @example
 * const next = observeRevenue(loanRecord, coverage, { epoch: 20_000, available: 100_000_000n, epochLength: 86_400 })
 */
export function observeRevenue(
  loan: LoanRecord,
  coverage: LoanCoverage,
  seen: { readonly epoch: number; readonly available: bigint; readonly epochLength: number },
): LoanCoverage {
  const { epoch, epochLength } = seen
  let { available } = seen
  let { trailing } = coverage
  let next = coverage
  if (epoch > coverage.epoch) {
    const gap = epoch - coverage.epoch
    trailing = decayTrailing(trailing, gap - 1)
    const age = coverage.age + gap
    next = { ...coverage, epoch, age: Math.min(age, 65_535) }
    if (loan.dscrBps > 0 && epoch * epochLength >= loan.rampEnd)
      next = tested(loan, next, { trailing, age, epochLength })
    trailing = decayTrailing(trailing, 1)
  } else if (epoch < coverage.epoch)
    available = decayTrailing(least(available, mostAmount), coverage.epoch - epoch)
  return { ...next, trailing: least(trailing + available, mostAmount) }
}

function tested(
  loan: LoanRecord,
  coverage: LoanCoverage,
  known: { readonly trailing: bigint; readonly age: number; readonly epochLength: number },
): LoanCoverage {
  // A young sum stands for fewer epochs: scaled to what it would tend to.
  const weight = one - decayTrailing(one, known.age)
  const earned = ((known.trailing * one) / weight) * bps
  if (earned < loanService(loan, known.epochLength) * BigInt(loan.dscrBps))
    return { ...coverage, sweeps: true, good: 0 }
  if (!coverage.sweeps) return coverage
  const good = coverage.good + 1
  return good === goodTests ? { ...coverage, sweeps: false, good: 0 } : { ...coverage, good }
}

const kept = (one * (trailingEpochs - 1n)) / trailingEpochs

/**
 * A decaying sum after epochs without revenue: times 29/30 for each, rounded down. Equal to `Waterfall.decayDown` of the till.
 *
 * @param trailing Base units.
 * @param epochs How many epochs.
 * @returns Base units.
 * @example
 * const left = decayTrailing(3_000_000_000n, 30)
 */
export function decayTrailing(trailing: bigint, epochs: number): bigint {
  if (trailing === 0n || epochs === 0) return trailing
  if (epochs >= 4096) return 0n
  let factor = one
  let base = kept
  for (let left = epochs; ; ) {
    if (left % 2 === 1) factor = (factor * base) >> 64n
    left = Math.floor(left / 2)
    if (left === 0) break
    base = (base * base) >> 64n
  }
  return (trailing * factor) >> 64n
}
