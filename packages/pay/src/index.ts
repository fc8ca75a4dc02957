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
