export {
  type Allocation,
  type AllocationOptions,
  leastShortfall,
  shortfallOf,
} from './allocation/leastShortfall.ts'
export { absorptionRatio, absorptionShift, covarianceOf } from './concentration/absorption.ts'
export { type DownMonths, downMonths } from './concentration/downMonths.ts'
export { type EffectiveBets, effectiveBets } from './concentration/effectiveBets.ts'
export {
  type Dimension,
  dimensions,
  type Exposure,
  effectiveNames,
  herfindahl,
  type LookThrough,
  lookThrough,
} from './concentration/herfindahl.ts'
export {
  type Balance,
  type DepreciationCurve,
  type ValueStep,
  valueAt,
  worstLoanToValue,
} from './depreciation/curve.ts'
export { halfLifeOf, halvingLeft } from './depreciation/halving.ts'
export { expectedRental, type RentalProcess, rentalPath } from './depreciation/rental.ts'
export { MatrixError, ParameterError, RiskError } from './errors/RiskError.ts'
export { type FactorLoading, type FactorRegression, regressFactors } from './factors/regressFactors.ts'
export { strongComponents } from './graph/components.ts'
export {
  type AssetClaims,
  assetLeverage,
  type FacilityLeverage,
  lookThroughLeverage,
} from './leverage/lookThroughLeverage.ts'
export {
  CircularOwnershipError,
  type FacilityBook,
  FacilityUnknownError,
  type FacilityValue,
  type Line,
  type UnitHolding,
  valueFacilities,
} from './leverage/valueFacilities.ts'
export {
  type CoveragePeriod,
  type CoverageState,
  coverageOf,
  type SweepCovenant,
  sweepStates,
  trailingCoverage,
} from './loans/coverage.ts'
export { type CoverageDate, coveragePaths, type FinancedMachine } from './loans/coveragePaths.ts'
export {
  interestReserve,
  leastFirstLoss,
  type RevenueRecord,
  revenueLimit,
  sweepValue,
} from './loans/limit.ts'
export { type LoanPeriod, type PeriodIncome, runLoan } from './loans/runLoan.ts'
export { type Draw, interestUp, type LoanTerms, loanSchedule, type PlannedPayment } from './loans/schedule.ts'
export {
  type LossSummary,
  type SimulatedLosses,
  summariseLosses,
  type TrancheLoss,
  trancheLoss,
} from './losses/distribution.ts'
export { defaultWithin, expectedLoss, type LoanRisk, unexpectedLoss } from './losses/expected.ts'
export type { Book, BookLoan, Cluster } from './losses/layout.ts'
export { priceTranche, type TranchePrice, type TrancheTerms } from './losses/price.ts'
export { simulateLosses } from './losses/simulateLosses.ts'
export {
  conditionalPd,
  type LargeBook,
  type TrancheShare,
  vasicekCdf,
  vasicekQuantile,
  vasicekTrancheLoss,
} from './losses/vasicek.ts'
export type { Matrix } from './maths/matrix.ts'
export { bivariateNormalCdf, normalCdf, normalInverse } from './maths/normal.ts'
export { createRandom, type Random } from './maths/random.ts'
export type { FacilityCovenants, PayerRevenue, StressFacility, StressLoan } from './stress/facility.ts'
export { runStress, type StressResult, type TrippedCovenant } from './stress/runStress.ts'
export { type LoanShock, namesBySize, type Scenario, type Shock, scenarios } from './stress/scenarios.ts'
export { type UtilisationRamp, utilisationAt } from './utilisation/ramp.ts'
