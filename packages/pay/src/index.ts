export { type ExpressRequest, expressPaywall } from './adapters/express.ts'
export { type HonoContext, honoPaywall } from './adapters/hono.ts'
export { nodeListener } from './adapters/node.ts'
export { type BatchBook, type BatchSnapshot, claimable } from './batch/batchBook.ts'
export { type BatchSchemeOptions, batchScheme } from './batch/batchScheme.ts'
export { type BatchHasher, createBatchHasher } from './batch/createBatchHasher.ts'
export { BatchVoucherTooLowError } from './batch/errors.ts'
export {
  type BatchHold,
  type BatchLedger,
  type BatchLedgerOptions,
  openBatchLedger,
  type RefundPlan,
} from './batch/openBatchLedger.ts'
export {
  type BatchConfig,
  type BatchPayload,
  type BatchPayloadJson,
  type BatchVoucher,
  batchConfigSchema,
  batchPayloadSchema,
} from './batch/payload.ts'
export { type BatchState, readBatchChannel } from './batch/readBatchChannel.ts'
export { type BatchReason, batchReasons } from './batch/reasons.ts'
export {
  type BatchClaimEvent,
  type BatchClaimerOptions,
  startBatchClaimer,
} from './batch/startBatchClaimer.ts'
export { createBatchVerifier } from './batch/verifyBatch.ts'
export {
  finalizeBatchWithdraw,
  type RequestBatchWithdrawParameters,
  requestBatchWithdraw,
} from './batch/withdrawBatch.ts'
export { type AskForRefundOptions, askForRefund } from './buyer/askForRefund.ts'
export { type AskedClose, type AskToCloseOptions, askToClose } from './buyer/askToClose.ts'
export type { BatchWallet, BatchWalletChannel, BatchWalletOptions } from './buyer/batchWallet.ts'
export type {
  ChannelSpending,
  ChannelWallet,
  ChannelWalletOptions,
  ChargedInAll,
  Ending,
  PreparedPayment,
  SignedPromise,
  WalletChannel,
} from './buyer/channelWallet.ts'
export { createPayingFetch, type PayingFetchOptions, type Payment } from './buyer/createPayingFetch.ts'
export {
  BudgetExceededError,
  CaptureTooHighError,
  CloseRefusedError,
  DepositLimitError,
  NoWayToPayError,
  PaymentLoopError,
  PaymentNotSettledError,
  PaymentRepeatedError,
  PaymentRequiredInvalidError,
  QuoteChangedError,
  RefundRefusedError,
  ReservationSpentError,
  SnapshotForgedError,
} from './buyer/errors.ts'
export { openBatchWallet } from './buyer/openBatchWallet.ts'
export {
  type Budget,
  type BudgetLimits,
  type BudgetOptions,
  type BudgetReservation,
  type BudgetState,
  openBudget,
  type Spending,
} from './buyer/openBudget.ts'
export { openChannelWallet } from './buyer/openChannelWallet.ts'
export { PrivateKeyInvalidError } from './curve/errors.ts'
export { type Curve, openCurve } from './curve/openCurve.ts'
export { createTypedHasher, type TypedDomain, type TypedHasher } from './curve/typedData.ts'
export { fromHex, toHex, writeHex, writeUint } from './curve/words.ts'
export {
  type Authorization,
  authorizationToJson,
  authorizationTypes,
  type ExactPayload,
  exactPayloadSchema,
} from './exact/authorization.ts'
export { checkExact } from './exact/checkExact.ts'
export { ExactUnsignableError } from './exact/errors.ts'
export { type ExactReason, type ExactRefusal, exactReasons } from './exact/reasons.ts'
export { type SignExactOptions, signExact } from './exact/signExact.ts'
export {
  createExactVerifier,
  type ExactPayment,
  type ExactVerdict,
  type ExactVerifier,
  type VerifyExactOptions,
  verifyExact,
} from './exact/verifyExact.ts'
export { FacilitatorClosedError, SettlementTakenError } from './facilitator/errors.ts'
export { type FacilitatorHandlerOptions, facilitatorHandler } from './facilitator/facilitatorHandler.ts'
export { memoryJournal, type SettlementEntry, type SettlementJournal } from './facilitator/journal.ts'
export { type Facilitator, type FacilitatorOptions, openFacilitator } from './facilitator/openFacilitator.ts'
export { openSettlements } from './facilitator/openSettlements.ts'
export type { FacilitatorChain } from './facilitator/relayer.ts'
export type { DiscoveredResource, ResourceCatalogue } from './facilitator/resources.ts'
export type { SupportedResponse } from './facilitator/supported.ts'
export {
  type CallDeal,
  type CallDeals,
  type CallDealsOptions,
  type CallWish,
  createCallDeals,
} from './haggling/createCallDeals.ts'
export {
  CallHaggleRefusedError,
  DealBrokenError,
  HaggleUnansweredError,
  HaggleVoidError,
} from './haggling/errors.ts'
export {
  type CallHaggling,
  type CallHagglingOptions,
  type CallOffer,
  openCallHaggling,
} from './haggling/openCallHaggling.ts'
export { haggleHeader, hagglePath } from './haggling/wire.ts'
export { type ChannelBook, largestGap, snapshotToJson } from './ledger/channelBook.ts'
export {
  type ChannelAt,
  type CloseConsent,
  type CloseRequest,
  closeHeader,
  closeTerms,
  closeVoucher,
} from './ledger/closing.ts'
export {
  ChannelBusyError,
  ChannelEndingError,
  ChannelForeignError,
  ChannelNotOpenError,
  CloseRequestInvalidError,
  CloseSumError,
  CloseUnsupportedError,
  DepositTooLowError,
  FundingRefusedError,
  HoldSpentError,
  OverchargeError,
  TickForeignError,
  VoucherSignatureError,
  VoucherTooLowError,
} from './ledger/errors.ts'
export { type FundChannelParameters, fundChannel } from './ledger/fundChannel.ts'
export type { HoldAhead } from './ledger/holdAhead.ts'
export type {
  AgreedEnd,
  Hold,
  Ledger,
  LedgerOptions,
  Payee,
  ReadChannel,
} from './ledger/ledger.ts'
export { openLedger } from './ledger/openLedger.ts'
export {
  type ChannelPayment,
  type ChannelPaymentJson,
  type ChannelTick,
  channelPaymentSchema,
  channelPaymentToJson,
  channelTickSchema,
  readChannelPayment,
} from './ledger/payment.ts'
export { readChannelAt } from './ledger/readChannelAt.ts'
export { type ChannelSnapshot, channelSnapshotSchema } from './ledger/snapshot.ts'
export { type ClaimEvent, type ClaimerOptions, startClaimer } from './ledger/startClaimer.ts'
export type { Claimer } from './ledger/startClaiming.ts'
export { type StreamCloser, type StreamSchemeOptions, streamScheme } from './ledger/streamScheme.ts'
export {
  type CallReceipt,
  callReceiptHeader,
  decodeCallReceipt,
  encodeCallReceipt,
  hashCallReceipt,
  type SignedCallReceipt,
  signCallReceipt,
  verifyCallReceipt,
} from './seller/callReceipt.ts'
export type { StreamReport } from './seller/continueStream.ts'
export type { AnswerLimits } from './seller/createAnswers.ts'
export { createPaywall } from './seller/createPaywall.ts'
export { digestRequest } from './seller/digestRequest.ts'
export {
  CallReceiptInvalidError,
  CaptureExceedsError,
  FacilitatorUnreachableError,
  IdempotencyConflictError,
  MeterMissingError,
  MoneyRanOutError,
  PaidBodyTooLargeError,
  PaymentRefusedError,
  SettlementPendingError,
  StreamUnknownError,
} from './seller/errors.ts'
export { type ExactCurrency, type ExactSchemeOptions, exactScheme } from './seller/exactScheme.ts'
export { type HttpFacilitatorOptions, httpFacilitator } from './seller/httpFacilitator.ts'
export { type Metered, type MeterUnits, meteredCost } from './seller/metered.ts'
export { meterTokens } from './seller/meterTokens.ts'
export { type MppOptions, mppNonce } from './seller/mppCharge.ts'
export {
  openPendingAnswers,
  type PendingAnswer,
  type PendingAnswers,
  type PendingAnswersOptions,
} from './seller/openPendingAnswers.ts'
export { streamHeader } from './seller/openStreams.ts'
export { overridesHeader } from './seller/overrides.ts'
export type { PaidCall, PaidHandler, PaidRoute, Paywall, PaywallOptions } from './seller/paywall.ts'
export { priceRoute } from './seller/priceRoute.ts'
export { pendingHeader } from './seller/problem.ts'
export type { PaidRequest, Price, Reservation, SellerScheme } from './seller/scheme.ts'
export { type UptoSchemeOptions, uptoScheme } from './seller/uptoScheme.ts'
export { UptoUnsignableError } from './upto/errors.ts'
export { type UptoReason, uptoReasons } from './upto/reasons.ts'
export { type Approval, signApproval } from './upto/signApproval.ts'
export { type SignUptoOptions, signUpto } from './upto/signUpto.ts'
export { maxHeaderBytes } from './wire/base64.ts'
export {
  ChallengeExpiredError,
  ChallengeForeignError,
  ChallengeMalformedError,
  HeaderFieldsError,
  HeaderNotBase64Error,
  HeaderNotJsonError,
  HeaderTooLargeError,
  WireError,
} from './wire/errors.ts'
export {
  decodePaymentPayload,
  decodePaymentRequired,
  decodeSettleResponse,
  encodePaymentPayload,
  encodePaymentRequired,
  encodeSettleResponse,
  headerNames,
} from './wire/headers.ts'
export {
  type Challenge,
  type ChallengeFields,
  type Credential,
  createChallenge,
  decodeChallenge,
  decodeCredential,
  decodePaymentReceipt,
  encodeChallenge,
  encodeCredential,
  encodePaymentReceipt,
  type PaymentReceipt,
  verifyChallenge,
} from './wire/mpp.ts'
export { chainIdOf, networkOfV1, v1OfNetwork } from './wire/networks.ts'
export { paymentRequiredResponse } from './wire/paymentRequiredResponse.ts'
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
export {
  decodeV1Payload,
  encodeV1Payload,
  encodeV1SettleResponse,
  fromV1Requirements,
  toV1Requirements,
  toV1SettleResponse,
  type V1Payload,
  type V1Required,
  type V1Requirements,
  type V1SettleResponse,
  v1PayloadSchema,
  v1RequirementsSchema,
} from './wire/x402v1.ts'
