/** The public API of the SDK: what this file names, and nothing else. */
export { recoverSigner } from './accounts/recoverSigner.ts'
export type { Signer } from './accounts/signer.ts'
export { parse } from './border/parse.ts'
export {
  addressSchema,
  hashSchema,
  hexSchema,
  signatureSchema,
  uint40Schema,
  uintSchema,
} from './border/primitives.ts'
export { canonicalJson } from './canonical/canonicalJson.ts'
export { hashCanonical } from './canonical/hashCanonical.ts'
export { InvalidInputError, NotCanonicalError } from './errors/border.ts'
export { MillraceError, type MillraceErrorOptions } from './errors/MillraceError.ts'
export {
  CurrencyMismatchError,
  NotAssetOperatorError,
  OfferCancelledError,
  OfferExpiredError,
  OfferForeignError,
  OfferTakenError,
  OfferTermsError,
  OfferTooLongLivedError,
  SignatureInvalidError,
  SpecMismatchError,
} from './errors/market.ts'
export { QueryError } from './errors/query.ts'
export { FrameInvalidError } from './errors/relay.ts'
export {
  LeaseRequiredError,
  MessageTooLargeError,
  MethodUnknownError,
  NotLeaseBuyerError,
  SessionClockError,
  SessionClosedError,
  SessionHelloError,
  SessionMessageError,
  SessionRefusedError,
  SessionReplayedError,
  SessionRequestError,
  SessionTamperedError,
  SessionTimeoutError,
} from './errors/session.ts'
export * from './generated/assets.ts'
export * from './generated/debt.ts'
export * from './generated/market.ts'
export * from './generated/till.ts'
export {
  type BundleRef,
  bundleRefSchema,
  hashJob,
  type Job,
  type JobResources,
  jobResourcesSchema,
  jobSchema,
} from './jobs/job.ts'
export type { MarketDomain } from './market/domain.ts'
export { hashOffer } from './market/hashOffer.ts'
export {
  type Offer,
  offerSchema,
  type PublishedOffer,
  type PublishedOfferJson,
  publishedOfferSchema,
  publishedOfferToJson,
} from './market/offer.ts'
export { priceUp } from './market/priceUp.ts'
export { signOffer } from './market/signOffer.ts'
export { hashWithdraw, signWithdraw, type Withdrawal } from './market/signWithdraw.ts'
export { type Gpu, gpuSchema, hashSpec, type Spec, specSchema } from './market/spec.ts'
export { maxOfferLife, type VerifyOfferOptions, verifyOffer } from './market/verifyOffer.ts'
export {
  type BooleanField,
  type NumberField,
  normaliseText,
  type OfferRow,
  type QueryField,
  queryFields,
  type TextField,
} from './query/fields.ts'
export { matches } from './query/matches.ts'
export { type OfferRowOptions, offerRow } from './query/offerRow.ts'
export { parseOrder, type QueryOrder } from './query/parseOrder.ts'
export { type NumberOp, parseQuery, type Query, type QueryTerm } from './query/parseQuery.ts'
export {
  hashReceipt,
  type Receipt,
  type ReceiptFile,
  type ReceiptJson,
  receiptFileSchema,
  receiptSchema,
  receiptToJson,
  type SignedReceipt,
  signedReceiptSchema,
} from './receipts/receipt.ts'
export { signReceipt } from './receipts/signReceipt.ts'
export {
  type ReceiptFault,
  type ReceiptVerdict,
  type VerifyReceiptOptions,
  verifyReceipt,
} from './receipts/verifyReceipt.ts'
export {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameKind,
  frameOverhead,
  maxMessageBytes,
} from './relay/frame.ts'
export {
  type RelayHello,
  relayChallengeSchema,
  relayClose,
  relayHelloSchema,
  relayReadySchema,
  signRelayHello,
  verifyRelayHello,
} from './relay/hello.ts'
export {
  type AcceptSessionOptions,
  acceptSession,
  type DeviceSession,
  type SessionHandler,
  type SessionReply,
  type SessionRequest,
} from './session/acceptSession.ts'
export {
  helloTolerance,
  type SessionHello,
  sessionHelloSchema,
  type VerifiableHello,
} from './session/hello.ts'
export { bulkBytes, maxPlaintextBytes } from './session/message.ts'
export {
  type JobState,
  type JobStatus,
  jobStateSchema,
  jobStatusSchema,
  type Outputs,
  outputsSchema,
  type SessionMethod,
  type SessionParams,
  type SessionResult,
  sessionResults,
} from './session/methods.ts'
export {
  type OpenSessionOptions,
  openSession,
  type Session,
  type SessionAnswer,
  type SessionListener,
} from './session/openSession.ts'
export { createReplayGuard, type ReplayGuard } from './session/replayGuard.ts'
export { generateSessionKey, type SessionKey } from './session/sessionKey.ts'
export {
  createInbox,
  type Inbox,
  linkedTransports,
  type Transport,
  type TransportClose,
} from './session/transport.ts'
export { type WebSocketLike, webSocketTransport } from './session/webSocketTransport.ts'
