export {
  type Balance,
  type DepreciationCurve,
  type ValueStep,
  valueAt,
  worstLoanToValue,
} from './depreciation/curve.ts'
export { expectedRental, type RentalProcess, rentalPath } from './depreciation/rental.ts'
export { MatrixError, ParameterError, RiskError } from './errors/RiskError.ts'
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
export { bivariateNormalCdf, normalCdf, normalInverse } from './maths/normal.ts'
export { createRandom, type Random } from './maths/random.ts'
