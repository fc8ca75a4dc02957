export { type Cycle, type CycleQuestion, type CycleSearch, createCycleSearch } from './cycles.ts'
export { AmountRangeError, TransferOrderError } from './errors.ts'
export {
  type CycledRevenue,
  createRevenueExaminer,
  type ExaminationLimits,
  type ExaminedPayment,
  type RevenueExaminer,
  type RevenueQuestion,
  type RevenueReport,
} from './examineRevenue.ts'
export type { EvidencePath, EvidenceStep, Finding, FindingType } from './findings.ts'
export { createFlowNetwork, type FlowNetwork } from './flowNetwork.ts'
export {
  createFundingFlow,
  type FundedPayment,
  type FundingFlow,
  type FundingPath,
  type FundingQuestion,
} from './fundingFlow.ts'
export { createLedger, type Ledger, type Transfer } from './ledger.ts'
export { checkMeter, type MeterCheck, type MeterReading, type MeterSource } from './meter.ts'
export { type RevenueSignals, revenueSignals } from './signals.ts'
export { type PlantedLedger, plantWash, scoreReport, type WashScore } from './simulator/plantWash.ts'
export { type Scheme, schemes } from './simulator/schemes.ts'
export { leastStake, type WashPlan, washProfit } from './washProfit.ts'
