export { ExactUnsignableError } from './exact/errors.ts'
export { type ExactReason, exactReasons } from './exact/reasons.ts'
export { type SignExactOptions, signExact } from './exact/signExact.ts'
export {
  type ExactPayment,
  type ExactVerdict,
  type VerifyExactOptions,
  verifyExact,
} from './exact/verifyExact.ts'
export { FacilitatorClosedError, SettlementTakenError } from './facilitator/errors.ts'
export { type FacilitatorHandlerOptions, facilitatorHandler } from './facilitator/facilitatorHandler.ts'
export { memoryJournal, type SettlementEntry, type SettlementJournal } from './facilitator/journal.ts'
export {
  type Facilitator,
  type FacilitatorOptions,
  openFacilitator,
  type SupportedResponse,
} from './facilitator/openFacilitator.ts'
export { type OpenSettlementsOptions, openSettlements } from './facilitator/openSettlements.ts'
export type { FacilitatorChain } from './facilitator/relayer.ts'
export type { DiscoveredResource, ResourceCatalogue } from './facilitator/resources.ts'
export type { PaidRequest, Price, Reservation, SellerScheme } from './seller/scheme.ts'
export {
  type PaymentPayload,
  type PaymentRequired,
  type PaymentRequirements,
  paymentPayloadSchema,
  paymentRequiredSchema,
  paymentRequirementsSchema,
  type ResourceInfo,
  type SettleResponse,
  settleResponseSchema,
  type VerifyResponse,
  verifyResponseSchema,
} from './wire/x402.ts'
export { type V1Payload, type V1Requirements, v1PayloadSchema, v1RequirementsSchema } from './wire/x402v1.ts'
