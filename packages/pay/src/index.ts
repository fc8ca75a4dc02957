export { type ChannelBook, largestGap, snapshotToJson } from './ledger/channelBook.ts'
export {
  ChannelForeignError,
  ChannelNotOpenError,
  DepositTooLowError,
  HoldSpentError,
  OverchargeError,
  TickForeignError,
  VoucherSignatureError,
  VoucherTooLowError,
} from './ledger/errors.ts'
export { type FundChannelParameters, fundChannel } from './ledger/fundChannel.ts'
export {
  type Hold,
  type Ledger,
  type LedgerOptions,
  openLedger,
  type Payee,
  type ReadChannel,
} from './ledger/openLedger.ts'
export {
  type ChannelPayment,
  type ChannelPaymentJson,
  channelPaymentSchema,
  channelPaymentToJson,
} from './ledger/payment.ts'
export { type ChannelSnapshot, channelSnapshotSchema } from './ledger/snapshot.ts'
export { type ClaimEvent, type Claimer, type ClaimerOptions, startClaimer } from './ledger/startClaimer.ts'
export { type StreamSchemeOptions, streamScheme } from './ledger/streamScheme.ts'
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
