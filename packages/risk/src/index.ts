export {
  type Balance,
  type DepreciationCurve,
  type ValueStep,
  valueAt,
  worstLoanToValue,
} from './depreciation/curve.ts'
export { expectedRental, type RentalProcess, rentalPath } from './depreciation/rental.ts'
export { MatrixError, ParameterError, RiskError } from './errors/RiskError.ts'
export { bivariateNormalCdf, normalCdf, normalInverse } from './maths/normal.ts'
export { createRandom, type Random } from './maths/random.ts'
