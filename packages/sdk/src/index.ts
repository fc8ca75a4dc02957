/** The public API of the SDK: what this file names, and nothing else. */
export { recoverSigner } from './accounts/recoverSigner.ts'
export type { Signer } from './accounts/signer.ts'
export { verifySignature } from './accounts/verifySignature.ts'
export { walletSigner } from './accounts/walletSigner.ts'
export { type AcceptAgentAccountParameters, acceptAgentAccount } from './agents/acceptAgentAccount.ts'
export type { AgentWallet } from './agents/account.ts'
export { type AccountCall, agentModuleCalls } from './agents/agentModuleCalls.ts'
export { type AllowForAgentParameters, allowForAgent } from './agents/allowForAgent.ts'
export {
  type AgentChange,
  type AnnounceAgentChangeParameters,
  announceAgentChange,
  hashAgentChange,
} from './agents/announceAgentChange.ts'
export { type ApplyAgentChangeParameters, applyAgentChange } from './agents/applyAgentChange.ts'
export { type ApproveAgentSpendParameters, approveAgentSpend } from './agents/approveAgentSpend.ts'
export { type CancelAgentRefParameters, cancelAgentRef } from './agents/cancelAgentRef.ts'
export {
  type AgentAccountParameters,
  agentAccountAddress,
  createAgentAccount,
} from './agents/createAgentAccount.ts'
export { type ExecuteAgentAccountParameters, executeAgentAccount } from './agents/executeAgentAccount.ts'
export { type ExtendLeaseAsAgentParameters, extendLeaseAsAgent } from './agents/extendLeaseAsAgent.ts'
export { type ForbidForAgentParameters, forbidForAgent } from './agents/forbidForAgent.ts'
export { type FundChannelAsAgentParameters, fundChannelAsAgent } from './agents/fundChannelAsAgent.ts'
export { type FundFloatAsAgentParameters, fundFloatAsAgent } from './agents/fundFloatAsAgent.ts'
export {
  type AgentBudget,
  type AgentLine,
  getAgentBudget,
  getAgentPolicy,
} from './agents/getAgentBudget.ts'
export {
  type AgentWalletState,
  agentChangeReadyAt,
  getAgentWallet,
  isAgentPaused,
} from './agents/getAgentWallet.ts'
export { getExposure } from './agents/getExposure.ts'
export { isAllowedForAgent } from './agents/isAllowedForAgent.ts'
export { type AnnouncedAgentChange, listAgentChanges } from './agents/listAgentChanges.ts'
export { type OfferAgentAccountParameters, offerAgentAccount } from './agents/offerAgentAccount.ts'
export { type OpenLeaseAsAgentParameters, openLeaseAsAgent } from './agents/openLeaseAsAgent.ts'
export { type PauseAgentParameters, pauseAgent, unpauseAgent } from './agents/pauseAgent.ts'
export { type PayAsAgentParameters, payAsAgent } from './agents/payAsAgent.ts'
export {
  type AgentGrant,
  type AgentPolicy,
  type AgentSetup,
  agentPolicySchema,
  type Counterparty,
  counterpartyOf,
  serviceHash,
  unlimited,
} from './agents/policy.ts'
export { type ReleaseAgentParameters, releaseAgent } from './agents/releaseAgent.ts'
export { type RequestAgentCloseParameters, requestAgentClose } from './agents/requestAgentClose.ts'
export { type SetAgentDelayParameters, setAgentDelay } from './agents/setAgentDelay.ts'
export { type SetAgentGuardianParameters, setAgentGuardian } from './agents/setAgentGuardian.ts'
export {
  type AgentPolicyParameters,
  announceAgentPolicy,
  setAgentPolicy,
  tightenAgentPolicy,
} from './agents/setAgentPolicy.ts'
export { type ApprovalRequest, hashApproval, signApproval } from './agents/signApproval.ts'
export {
  type AgentSpend,
  noApproval,
  type SpendApproval,
  type SpendKind,
  spendKinds,
} from './agents/spend.ts'
export { type StopAgentLeaseParameters, stopAgentLease } from './agents/stopAgentLease.ts'
export { type VetoAgentChangeParameters, vetoAgentChange } from './agents/vetoAgentChange.ts'
export { type AgentEvent, type WatchAgentsParameters, watchAgents } from './agents/watchAgents.ts'
export { type Asset, type AssetKind, assetKinds } from './assets/asset.ts'
export { getAsset } from './assets/getAsset.ts'
export { listAssets } from './assets/listAssets.ts'
export { type RegisterAssetParameters, registerAsset, registeredAsset } from './assets/registerAsset.ts'
export { type SetDeviceParameters, setDevice } from './assets/setDevice.ts'
export { type SetOperatorParameters, setOperator } from './assets/setOperator.ts'
export { type SetSpecParameters, setSpec } from './assets/setSpec.ts'
export { type TransferAssetParameters, transferAsset } from './assets/transferAsset.ts'
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
export {
  type Channel,
  type ChannelJson,
  channelSchema,
  channelToJson,
  closeDelays,
  maxDeposit,
} from './channels/channel.ts'
export type { ChannelState } from './channels/channelState.ts'
export type { VoucherClaim } from './channels/claim.ts'
export { type ClaimVouchersParameters, claimVouchers } from './channels/claimVouchers.ts'
export { type CloseChannelParameters, closeChannel } from './channels/closeChannel.ts'
export { type CloseChannelForParameters, closeChannelFor } from './channels/closeChannelFor.ts'
export type { ChannelsDomain } from './channels/domain.ts'
export { finalizeClose } from './channels/finalizeClose.ts'
export { getChannel } from './channels/getChannel.ts'
export { hashChannel } from './channels/hashChannel.ts'
export { hashVoucher } from './channels/hashVoucher.ts'
export { type OpenChannelParameters, openChannel } from './channels/openChannel.ts'
export { type OpenChannelForParameters, openChannelFor } from './channels/openChannelFor.ts'
export {
  type OpenChannelWithAuthorizationParameters,
  openChannelWithAuthorization,
} from './channels/openChannelWithAuthorization.ts'
export { type RequestCloseParameters, requestClose } from './channels/requestClose.ts'
export {
  type AuthorizationPurpose,
  authorizationNonce,
  type ChannelAuthorization,
  signChannelAuthorization,
} from './channels/signChannelAuthorization.ts'
export { type ChannelClosing, hashClose, signClose } from './channels/signClose.ts'
export { type ChannelOpening, hashOpen, signOpen } from './channels/signOpen.ts'
export { signVoucher } from './channels/signVoucher.ts'
export { createTickChain, type TickChain } from './channels/tickChain.ts'
export { type TopUpChannelParameters, topUpChannel } from './channels/topUpChannel.ts'
export { topUpChannelWithAuthorization } from './channels/topUpChannelWithAuthorization.ts'
export { type Tick, verifyTick } from './channels/verifyTick.ts'
export { type VerifyVoucherOptions, verifyVoucher } from './channels/verifyVoucher.ts'
export {
  maxTicks,
  type SignedVoucher,
  signedVoucherSchema,
  type Voucher,
  type VoucherJson,
  voucherSchema,
  voucherToJson,
} from './channels/voucher.ts'
export { voucherWorth } from './channels/voucherWorth.ts'
export { type WatchChannelParameters, watchChannel } from './channels/watchChannel.ts'
export {
  type ChannelEvent,
  type WatchChannelsParameters,
  watchChannels,
} from './channels/watchChannels.ts'
export { aboveOf } from './credit/aboveOf.ts'
export { type AddUnitsParameters, addUnits } from './credit/addUnits.ts'
export {
  type Appraisal,
  type DepreciationCurve,
  type SignedAppraisal,
  type SignedAppraisalJson,
  signedAppraisalSchema,
  signedAppraisalToJson,
} from './credit/appraisal.ts'
export { type AppraiseAssetParameters, appraiseAsset } from './credit/appraiseAsset.ts'
export { type ApproveUnitsParameters, approveUnits } from './credit/approveUnits.ts'
export { type BorrowParameters, borrow } from './credit/borrow.ts'
export { type CancelLoanParameters, cancelLoan } from './credit/cancelLoan.ts'
export { type CollectUnitsParameters, collectUnits } from './credit/collectUnits.ts'
export { type CreateFacilityParameters, createdFacility, createFacility } from './credit/createFacility.ts'
export { type CreatePanelParameters, createdPanel, createPanel } from './credit/createPanel.ts'
export { type DepositFromTillParameters, depositFromTill } from './credit/depositFromTill.ts'
export { type DepositToVaultParameters, depositToVault } from './credit/depositToVault.ts'
export type { AppraisalsDomain, DeskDomain } from './credit/domain.ts'
export { type DrawLoanParameters, drawLoan } from './credit/drawLoan.ts'
export { type DropRankParameters, dropRank } from './credit/dropRank.ts'
export {
  type BookRules,
  type DeskRules,
  type FacilityContracts,
  type FacilityLine,
  type FacilityRules,
  facilityRulesSchema,
} from './credit/facility.ts'
export type { FacilityEvent } from './credit/facilityEvent.ts'
export { type FindLotsParameters, findLots, type OpenLot } from './credit/findLots.ts'
export { type ForwardFromRanksParameters, forwardFromRanks } from './credit/forwardFromRanks.ts'
export { type AppraisalState, getAppraisal } from './credit/getAppraisal.ts'
export { getCurve } from './credit/getCurve.ts'
export { type Facility, type FacilityLineState, getFacility } from './credit/getFacility.ts'
export { type FacilityCreation, getFacilityRules } from './credit/getFacilityRules.ts'
export { getFreeStake } from './credit/getFreeStake.ts'
export { getLoan, type LoanState, type LoanStatus, loanStates } from './credit/getLoan.ts'
export { getLoanCapacity } from './credit/getLoanCapacity.ts'
export { getLookThrough, type LookThrough } from './credit/getLookThrough.ts'
export { getLot, type Lot } from './credit/getLot.ts'
export { getRanks, type RankState } from './credit/getRanks.ts'
export { getRedeemRequest, type RedeemRequest } from './credit/getRedeemRequest.ts'
export { getUnits, type UnitsState } from './credit/getUnits.ts'
export { depreciatedValue, halvingLeft } from './credit/halving.ts'
export { type HarvestLoanParameters, harvestLoan } from './credit/harvestLoan.ts'
export { hashLoanTerms } from './credit/hashLoanTerms.ts'
export {
  decayTrailing,
  type LoanCoverage,
  type LoanRecord,
  loanDue,
  loanInterest,
  loanPlan,
  loanService,
  loanWanted,
  observeRevenue,
  rawInterest,
} from './credit/loanMath.ts'
export {
  type Collateral,
  type LoanTerms,
  type LoanTermsJson,
  loanTermsSchema,
  loanTermsToJson,
} from './credit/loanTerms.ts'
export { type LotCurve, lotEnd, lotPrice, whenLotCosts } from './credit/lotPrice.ts'
export { type PokeLoanParameters, pokeLoan } from './credit/pokeLoan.ts'
export { type PublishCurveParameters, publishCurve, publishedCurve } from './credit/publishCurve.ts'
export { readFacilityEvents } from './credit/readFacilityEvents.ts'
export { type RedeemSharesParameters, redeemShares } from './credit/redeemShares.ts'
export { type RedeemToTillParameters, redeemToTill } from './credit/redeemToTill.ts'
export { type RedeemUnitsParameters, redeemUnits } from './credit/redeemUnits.ts'
export { type RedoLotParameters, redoLot } from './credit/redoLot.ts'
export { type RefinanceLoanParameters, refinanceLoan } from './credit/refinanceLoan.ts'
export { type RepayLoanParameters, repayLoan } from './credit/repayLoan.ts'
export { type RequestRedeemParameters, requestRedeem } from './credit/requestRedeem.ts'
export { type RestoreLoanParameters, restoreLoan } from './credit/restoreLoan.ts'
export { type ServeQueueParameters, serveQueue } from './credit/serveQueue.ts'
export { type SetAppraiserParameters, setAppraiser } from './credit/setAppraiser.ts'
export { type Rank, type SetRanksParameters, setRanks } from './credit/setRanks.ts'
export { type SetUnderwriterParameters, setUnderwriter } from './credit/setUnderwriter.ts'
export { hashAppraisal, signAppraisal } from './credit/signAppraisal.ts'
export {
  hashLoanRelease,
  type LoanRelease,
  type SignedLoanRelease,
  signLoanRelease,
} from './credit/signLoanRelease.ts'
export { signLoanTerms } from './credit/signLoanTerms.ts'
export { type StakeFirstLossParameters, stakeFirstLoss } from './credit/stakeFirstLoss.ts'
export { type TakeLotParameters, takeLot, takenLot } from './credit/takeLot.ts'
export { type TakeOverLoanParameters, takeOverLoan } from './credit/takeOverLoan.ts'
export { type UnstakeFirstLossParameters, unstakeFirstLoss } from './credit/unstakeFirstLoss.ts'
export { type UnwrapUnitsParameters, unwrapUnits } from './credit/unwrapUnits.ts'
export { type VoidAppraisalParameters, voidAppraisal } from './credit/voidAppraisal.ts'
export { type WatchFacilityParameters, watchFacility } from './credit/watchFacility.ts'
export { type WrapUnitsParameters, wrappedUnits, wrapUnits } from './credit/wrapUnits.ts'
export { completeDeployment, type EarlierDeployment } from './deployments/completeDeployment.ts'
export {
  type AgentContractsDomain,
  agentContracts,
  type ContractAddresses,
  channelsOf,
  contractAddresses,
  create2Proxy,
  creditContracts,
  type DeployOptions,
  localDefaults,
} from './deployments/contractAddresses.ts'
export { type DeployLocalOptions, deployLocal } from './deployments/deployLocal.ts'
export {
  type AgentContracts,
  type CreditContracts,
  type Currency,
  currencySchema,
  type Deployment,
  deploymentSchema,
} from './deployments/deployment.ts'
export { deploymentOf, registerDeployment } from './deployments/deploymentOf.ts'
export { readCurrency, readDeployment } from './deployments/readDeployment.ts'
export { InvalidInputError, NotCanonicalError } from './errors/border.ts'
export { TickInvalidError, TicksTooManyError, VoucherForeignError } from './errors/channels.ts'
export { decodeRevert } from './errors/decodeRevert.ts'
export {
  AgentContractsUnknownError,
  CreditContractsUnknownError,
  DeploymentFailedError,
  DeploymentUnknownError,
} from './errors/deployments.ts'
export { GatewayAnswerError, GatewayError, GatewayUnreachableError } from './errors/gateway.ts'
export {
  HaggleActError,
  HaggleBoundsError,
  HaggleChainError,
  HaggleContentError,
  HaggleDeadlineError,
  HaggleDealError,
  HaggleEquivocationError,
  HaggleForeignError,
  HaggleNotProposedError,
  HaggleOverError,
  HaggleRoundsError,
  HaggleStrategyError,
  HaggleTurnError,
} from './errors/haggling.ts'
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
export { FrameInvalidError, RelayGatewayError } from './errors/relay.ts'
export { RegistryRefusedError } from './errors/reputation.ts'
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
export { StatementUnbalancedError } from './errors/statements.ts'
export {
  ChainUnreachableError,
  GasMoneyError,
  RevertError,
  TransactionRevertedError,
  TransactionTimeoutError,
} from './errors/transaction.ts'
export {
  accountSchema,
  assetPageSchema,
  type ChallengeFinding,
  challengeFindingSchema,
  healthSchema,
  type IndexedAccount,
  type IndexedAsset,
  type IndexedChannel,
  type IndexedLease,
  type IndexedTill,
  indexedAssetSchema,
  indexedLeaseSchema,
  indexedTillSchema,
  type Listing,
  leasePageSchema,
  listingSchema,
  type Network,
  networkSchema,
  type OfferState,
  offerChangesSchema,
  offerStateSchema,
  publicationSchema,
  searchSchema,
} from './gateway/answers.ts'
export { type RevenueEvidence, revenueEvidenceSchema } from './gateway/evidence.ts'
export {
  type AssetFilter,
  type ChannelFilter,
  type EvidenceFilter,
  type GatewayClient,
  type GatewayClientOptions,
  gatewayClient,
  type LeaseFilter,
} from './gateway/gatewayClient.ts'
export * from './generated/assets.ts'
export * from './generated/channels.ts'
export * from './generated/debt.ts'
export * from './generated/market.ts'
export * from './generated/testDollar.ts'
export * from './generated/till.ts'
export { advanceHaggle } from './haggling/advanceHaggle.ts'
export { checkHaggledOffer } from './haggling/checkHaggledOffer.ts'
export { type DecideHaggleOptions, decideHaggle } from './haggling/decideHaggle.ts'
export {
  agreedTerms,
  answerHaggle,
  type HaggleOptions,
  type HaggleSideOptions,
  haggle,
} from './haggling/haggle.ts'
export {
  type HaggleBestOptions,
  type HaggledBest,
  type HaggleOutcome,
  haggleBest,
} from './haggling/haggleBest.ts'
export {
  type HaggleStore,
  type HandleHaggleOptions,
  handleHaggle,
  type KeptHaggle,
} from './haggling/handleHaggle.ts'
export {
  type HaggleAct,
  type HaggleHead,
  type HaggleMessage,
  type HaggleSpeech,
  haggleMessageSchema,
  hashHaggleMessage,
} from './haggling/message.ts'
export { outsideOption } from './haggling/outsideOption.ts'
export { type ReceiveHaggleOptions, receiveHaggleMessage } from './haggling/receiveHaggleMessage.ts'
export { signHaggleMessage } from './haggling/signHaggleMessage.ts'
export type { Strategy, StrategyView } from './haggling/strategy.ts'
export {
  type HaggleCall,
  type HaggleSubject,
  type HaggleTerms,
  haggleCallSchema,
  haggleSubjectSchema,
  haggleTermsSchema,
  hashHaggleCall,
  hashHaggleTerms,
} from './haggling/terms.ts'
export { type TimeDependentOptions, timeDependent } from './haggling/timeDependent.ts'
export { titForTat } from './haggling/titForTat.ts'
export type { Haggle } from './haggling/transcript.ts'
export { type HaggledLease, verifyHaggledLease } from './haggling/verifyHaggledLease.ts'
export {
  type BundleRef,
  bundleRefSchema,
  hashJob,
  type Job,
  type JobResources,
  jobResourcesSchema,
  jobSchema,
} from './jobs/job.ts'
export { type CancelAllOffersParameters, cancelAllOffers } from './market/cancelAllOffers.ts'
export { type CancelOffersParameters, cancelOffers } from './market/cancelOffers.ts'
export type { MarketDomain } from './market/domain.ts'
export { type ExtendLeaseParameters, extendLease } from './market/extendLease.ts'
export { getLease } from './market/getLease.ts'
export { getSeries } from './market/getSeries.ts'
export { hashOffer } from './market/hashOffer.ts'
export { type Lease, type LeaseState, leaseStates } from './market/lease.ts'
export {
  type Offer,
  offerSchema,
  type PublishedOffer,
  type PublishedOfferJson,
  publishedOfferSchema,
  publishedOfferToJson,
} from './market/offer.ts'
export { offerNonce } from './market/offerNonce.ts'
export { type OpenLeaseParameters, openLease } from './market/openLease.ts'
export { priceUp } from './market/priceUp.ts'
export { type SettleLeaseParameters, settleLease } from './market/settleLease.ts'
export { signOffer } from './market/signOffer.ts'
export { signStart } from './market/signStart.ts'
export { hashWithdraw, signWithdraw, type Withdrawal } from './market/signWithdraw.ts'
export { type Gpu, gpuSchema, hashSpec, type Spec, specSchema } from './market/spec.ts'
export { type StartLeaseParameters, startLease } from './market/startLease.ts'
export { type StartLeaseForParameters, startLeaseFor } from './market/startLeaseFor.ts'
export { type StopLeaseParameters, stopLease } from './market/stopLease.ts'
export { maxOfferLife, type VerifyOfferOptions, verifyOffer } from './market/verifyOffer.ts'
export { verifyOfferOnChain } from './market/verifyOfferOnChain.ts'
export { type WatchLeaseParameters, watchLease } from './market/watchLease.ts'
export { type LeaseEvent, type WatchLeasesParameters, watchLeases } from './market/watchLeases.ts'
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
  relayAddress,
  relayChallengeSchema,
  relayClose,
  relayHelloSchema,
  relayReadySchema,
  signRelayHello,
  verifyRelayHello,
} from './relay/hello.ts'
export { type AgentFeedback, getAgentFeedback } from './reputation/getAgentFeedback.ts'
export { type AgentIdentity, findAgentIdentities, getAgentIdentity } from './reputation/getAgentIdentity.ts'
export { type GiveAgentFeedbackParameters, giveAgentFeedback } from './reputation/giveAgentFeedback.ts'
export { placeAgentRegistries } from './reputation/placeAgentRegistries.ts'
export {
  type PaidVolume,
  type PaidVolumes,
  type PaidVolumesParameters,
  readPaidVolumes,
} from './reputation/readPaidVolumes.ts'
export {
  type RegisterAgentParameters,
  readRegisteredAgent,
  registerAgent,
} from './reputation/registerAgent.ts'
export { type AgentRegistries, agentRegistries, findAgentRegistries } from './reputation/registries.ts'
export {
  type WeighedFeedback,
  type WeighFeedbackParameters,
  weighFeedback,
} from './reputation/weighFeedback.ts'
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
export type { FacilityPeriod } from './statements/facilityPeriod.ts'
export { firstBlockAt } from './statements/firstBlockAt.ts'
export { type AssetStatementColumn, getAssetStatement } from './statements/getAssetStatement.ts'
export { type BorrowerStatement, getBorrowerStatements } from './statements/getBorrowerStatements.ts'
export {
  getLenderStatement,
  type LenderStatementColumn,
  type LenderValue,
} from './statements/getLenderStatement.ts'
export { getLoanStatement, type LoanStatementColumn } from './statements/getLoanStatement.ts'
export {
  getUnderwriterStatement,
  type UnderwriterStatementColumn,
  type UnderwriterTotals,
} from './statements/getUnderwriterStatement.ts'
export { type Amounts, type Statement, type StatementLine, statementToCsv } from './statements/statement.ts'
export { timesOf } from './statements/timesOf.ts'
export { type ApproveCurrencyParameters, approveCurrency } from './till/approveCurrency.ts'
export { type ApproveModuleParameters, approveModule } from './till/approveModule.ts'
export { type DepositToTillParameters, depositToTill } from './till/depositToTill.ts'
export {
  type DepositWithAuthorizationParameters,
  depositWithAuthorization,
  type SignedAuthorization,
  signAuthorization,
} from './till/depositWithAuthorization.ts'
export {
  type DepositWithPermitParameters,
  depositWithPermit,
  type SignedPermit,
  signPermit,
} from './till/depositWithPermit.ts'
export { type Balance, getBalance } from './till/getBalance.ts'
export { getTill, type Till } from './till/getTill.ts'
export { type ListDebtParameters, listDebt } from './till/listDebt.ts'
export { type MintTestDollarsParameters, mintTestDollars } from './till/mintTestDollars.ts'
export { type PayAssetParameters, payAsset } from './till/payAsset.ts'
export { pullNonce } from './till/pullNonce.ts'
export { type PullRoyaltiesParameters, pullRoyalties } from './till/pullRoyalties.ts'
export { type SetDebtParameters, setDebt } from './till/setDebt.ts'
export { type SetRunningCostsParameters, setRunningCosts } from './till/setRunningCosts.ts'
export { type SetSharesParameters, setShares } from './till/setShares.ts'
export { type SettleTillParameters, settleTill } from './till/settleTill.ts'
export { type SetUpstreamParameters, setUpstream } from './till/setUpstream.ts'
export { type TransferInTillParameters, transferInTill } from './till/transferInTill.ts'
export {
  hashUpstreamAgreement,
  signUpstreamConsent,
  type TillDomain,
  type Upstream,
  type UpstreamAgreement,
  type UpstreamConsent,
} from './till/upstream.ts'
export { type WithdrawFromTillParameters, withdrawFromTill } from './till/withdrawFromTill.ts'
export { type ConfirmOptions, confirm } from './transactions/confirm.ts'
export { readLogs } from './transactions/readLogs.ts'
export type { ReadClient, TransactionOverrides, WriteClient } from './transactions/write.ts'
