import { creditSentences } from './creditSentences.ts'

/** What a contract's error means: a sentence with the error's values in braces, and what to do. */
export type RevertSentence = readonly [message: string, remedy?: string]

const again = 'Look at the current state and try again.'

/**
 * Every custom error of the contracts in people's words. A test holds it against the generated ABIs: an error without a
 * sentence, or a value that the error does not have, fails.
 */
export const revertSentences: Readonly<Record<string, RevertSentence>> = {
  // Market
  BondTooHigh: ['A bond of {bond} is more than the market can hold, {max}.', 'Offer with a lower bond.'],
  DurationInvalid: [
    'A duration of {duration} s is not allowed; the offer allows {min} to {max} s.',
    'Choose a duration within these bounds.',
  ],
  LeaseExists: ['A lease was opened on offer {lease} already.', 'Take another offer.'],
  LeaseNotOpen: ['Lease {lease} is not waiting for its start; it is {state}.', again],
  LeaseNotOver: ['Lease {lease} is not over; it lasts until {until}.', 'Stop it first, or wait for its end.'],
  LeaseNotRunning: ['Lease {lease} is not running; it is {state}.', again],
  LeaseOver: ['The time bought for lease {lease} was over at {endedAt}.', 'Open a new lease.'],
  LeaseSettledAlready: ['Lease {lease} was settled before.', 'Nothing is left to do.'],
  LeaseUnknown: ['No lease {lease} was opened.', 'Check the id and the chain.'],
  NonceSpent: ['{operator} cancelled nonce {nonce} before.', 'Nothing is left to do.'],
  NotBuyer: [
    '{caller} is not the buyer of lease {lease}.',
    'Send it from the account that opened the lease.',
  ],
  NotBuyerOrOperator: [
    '{caller} is neither the buyer nor the operator of lease {lease}.',
    'Send it from the account that opened the lease, or from its operator.',
  ],
  NotDevice: [
    '{caller} is not {device}, the device of lease {lease}.',
    "Send it with the device's key, or use its signature.",
  ],
  OfferCancelled: ['{operator} cancelled nonce {nonce}, and with it offer {lease}.', 'Take another offer.'],
  OfferExpired: ['Offer {lease} could be opened until {expiry}.', 'Take a fresh offer.'],
  OfferForAnother: ['Offer {lease} is for {buyer} only, not for {caller}.', 'Take another offer.'],
  OfferSignatureInvalid: [
    'Offer {lease} is not signed by {operator}, who runs the asset, or it was altered.',
    'Take another offer.',
  ],
  PriceTooHigh: ['A price of {pricePerHour} an hour is more than the market can hold, {max}.'],
  StartSignatureInvalid: ['The start of lease {lease} is not signed by its device {device}.'],
  StartTooLate: ['Lease {lease} had to start by {startBy}.', 'Settle it: the buyer gets everything back.'],

  // Agents
  AccountExists: ['Account {account} was made before.', 'Use it, or take another salt.'],
  AccountKnown: ['Account {account} was set up before.', 'Nothing is left to do.'],
  AccountUnknown: ['Account {account} is not kept by this contract.', 'Check the address; set it up first.'],
  AgentInvalid: [
    '{agent} cannot do this as an agent of {account}.',
    'An agent is not the account, its owner or zero, and approves nothing of its own.',
  ],
  AgentNotPaused: ['Agent {agent} of {account} is not paused.', 'Pause it first.'],
  AgentPaused: [
    'Agent {agent} of {account} is paused, or was never started.',
    'Ask the owner to unpause it.',
  ],
  AmountZero: ['An agent cannot spend nothing.', 'Choose an amount above zero.'],
  ApprovalExpired: ['Approval {approval} was good until {expiry}.', 'Ask for a new one.'],
  ApprovalInvalid: [
    'Approval {approval} is not signed by the owner or the guardian.',
    'Ask for an approval of exactly this spending.',
  ],
  ApprovalMissing: [
    'A spending of {amount} is above {approveAbove} and was not approved.',
    'Ask the owner or the guardian to approve {approval}.',
  ],
  AssetCurrencyInvalid: [
    'Asset {asset} is paid in {expected}, not in {currency}.',
    'Name the currency of the asset.',
  ],
  BalanceMoved: [
    'More left the account than {amount}: it had {before} and would have {later}.',
    'Do not hire from an operator that is the account itself.',
  ],
  BudgetExceeded: [
    'A spending of {amount} is more than is left of the budget, {left}.',
    'Ask the owner for a new budget.',
  ],
  ChangeExpired: ['Change {change} could be made until {until}.', 'Announce it again.'],
  ChangeTooEarly: ['Change {change} can be made from {readyAt} on.', 'Wait until then.'],
  ChangeUnannounced: [
    'Change {change} loosens and was not announced, or was vetoed.',
    'Announce this very call and wait.',
  ],
  ChannelForeign: [
    'The channel of payer {payer} and signer {signer} is not between this account and this agent.',
    'Name the account as the payer and the agent as the signer.',
  ],
  ChannelsUnsorted: ['Channel {id} does not come after {previous}.', 'Sort the channels by id.'],
  CounterpartyExceeded: [
    'A spending of {amount} is more than counterparty {counterparty} may get now, {left}.',
    'Wait, or pay less.',
  ],
  CounterpartyInvalid: [
    'Exactly one of the account {to} and the asset {asset} must be paid.',
    'Leave the other at zero.',
  ],
  CounterpartyNotAllowed: ['Counterparty {counterparty} is not on the list.', 'Ask the owner to allow it.'],
  DelayTooLong: ['A delay of {delay} s is longer than {max} s.', 'Choose a shorter one.'],
  Ended: ['The policy ended at {end}.', 'Ask the owner for a new one.'],
  FailedDeployment: ['The account could not be made.', again],
  FloatExceeded: ['A float of {amount} is more than may go there now, {left}.', 'Wait, or move less.'],
  FloatUnset: ['The policy of agent {agent} names no float wallet in {currency}.'],
  InsufficientBalance: ['A copy needs {needed} wei, and there are {balance}.'],
  LeaseForeign: ['Lease {lease} is not one of {caller}.', 'Check the id and the sender.'],
  LeasesUnsorted: ['Lease {id} does not come after {previous}.', 'Sort the leases by id.'],
  LimitTooHigh: ['A limit of {limit} is above {max}.', 'Use a lower one.'],
  NotAccountOwner: ['{caller} is not the owner of {account}.', 'Send it from the owner.'],
  NotOfferedOwner: ['Account {account} was not offered to {caller}.'],
  NotOwnerOrGuardian: [
    '{caller} is neither the owner nor the guardian of {account}.',
    'Send it from one of them.',
  ],
  NotStarted: ['The policy starts at {start}.', 'Wait until then.'],
  OwnerInvalid: ['{owner} cannot own an account.'],
  PaymentTooHigh: ['A spending of {amount} is above {max}, the most at once.', 'Spend less at once.'],
  PeriodExceeded: [
    'A spending of {amount} is more than is left in this period, {left}.',
    'Wait, or spend less.',
  ],
  PeriodInvalid: ['A period of {period} s is not allowed.', 'Use one second at least.'],
  PolicyUnknown: ['Agent {agent} of {account} has no policy in {currency}.', 'Ask the owner for one.'],
  RefUsed: [
    'Agent {agent} used ref {ref} before.',
    'It was paid already, or cancelled; for another spending take another ref.',
  ],
  ServiceNotAllowed: ['Service {service} is not on the list.', 'Ask the owner to allow it.'],

  // Channels
  AmountInvalid: ['An amount of {amount} is not allowed; it must be 1 to {max}.', 'Choose another amount.'],
  ChannelExists: ['Channel {id} is open already.', 'Top it up, or take another salt.'],
  ChannelInvalid: [
    'Channel {id} cannot be opened: it needs a payer, a signer, either a payee or an asset, and a close delay of 900 s to 30 days.',
    'Correct the channel.',
  ],
  ChannelUnknown: ['No channel {id} is open.', 'Check the id and the chain, and whether it was closed.'],
  CloseExpired: [
    'The consent to close channel {id} was good until {deadline}.',
    'Ask the payee for a new one.',
  ],
  CloseNotRequested: ['Nobody asked for the end of channel {id}.', 'Request the close first.'],
  CloseRequestedAlready: [
    'The end of channel {id} was asked for before; it can be closed from {closesAt} on.',
    'Nothing is left to do until then.',
  ],
  CloseSignatureInvalid: [
    'The end of channel {id} is not signed by {payee} for exactly what would be claimed in all.',
    'Ask the payee to sign the sum that it ends with.',
  ],
  CloseTooEarly: ['Channel {id} can be closed from {closesAt} on.', 'Wait until then.'],
  CurrencyInvalid: [
    'Channel {id} is in {currency}, its asset is paid in {expected}.',
    "Take the asset's currency.",
  ],
  EpochsExhausted: ['Channel {id} was closed too often to be opened again.', 'Take another salt.'],
  NotPayee: [
    '{caller} is not {payee}, who is paid by channel {id}.',
    'Send it from the payee, or use its signature.',
  ],
  NotPayer: ['{caller} is not the payer of channel {id}.', "Send it from the payer's account."],
  NothingToClaim: [
    'Nothing in the list brings more than was claimed; channel {id} has paid {claimed}, the voucher is worth {worth}.',
    'Claim later, with a voucher that is worth more.',
  ],
  OpenExpired: [
    'The consent to open channel {id} was good until {deadline}.',
    'Ask the payer for a new one.',
  ],
  OpenSignatureInvalid: [
    'The opening of channel {id} is not signed by {payer} for this epoch and amount.',
    'Ask the payer to sign exactly this.',
  ],
  TickInvalid: [
    'The word shown for channel {id} is not {ticks} steps before the anchor of its voucher.',
    'Show the right word, or fewer ticks.',
  ],
  TicksTooMany: [
    '{ticks} ticks were shown for channel {id}, its voucher stands for {max}.',
    'Ask for a new voucher.',
  ],
  VoucherEpoch: [
    'The voucher is for epoch {epoch} of channel {id}, which is in epoch {current}.',
    'Ask for a voucher of the present epoch.',
  ],
  VoucherSignatureInvalid: [
    'The voucher for channel {id} is not signed by {signer}, or it was altered.',
    'Ask for it again.',
  ],

  // Assets
  AssetUnknown: ['No asset has the id {asset}.', 'Check the id and the chain.'],
  NotOwner: ['{caller} does not own asset {asset}.', "Send it from the owner's account."],
  NotOwnerOrOperator: [
    '{caller} neither owns nor runs asset {asset}.',
    "Send it from the owner's or the operator's account.",
  ],
  ZeroAddress: ['A needed address was zero.', 'Name the address.'],
  ERC721IncorrectOwner: ['Asset {tokenId} belongs to {owner}, not to {sender}.', again],
  ERC721InsufficientApproval: [
    '{operator} may not transfer asset {tokenId}.',
    "Send it from the owner's account, or approve it first.",
  ],
  ERC721InvalidApprover: ['{approver} cannot approve transfers of this asset.'],
  ERC721InvalidOperator: ['{operator} cannot be made an operator of assets.'],
  ERC721InvalidOwner: ['{owner} cannot own assets.'],
  ERC721InvalidReceiver: [
    '{receiver} cannot receive assets.',
    'Send it to an account or a contract that can.',
  ],
  ERC721InvalidSender: ['{sender} cannot send assets.'],
  ERC721NonexistentToken: ['No asset has the id {tokenId}.', 'Check the id and the chain.'],

  // Till
  BpsTooHigh: ['A part of {bps} basis points is more than the {max} that are allowed.', 'Lower the part.'],
  ConsentCount: ['{given} consents were given, {needed} are needed.', 'Collect one of each upstream owner.'],
  ConsentExpired: [
    'The consent for upstream asset {upstream} was good until {deadline}.',
    'Ask its owner for a new one.',
  ],
  ConsentInvalid: [
    'The consent for upstream asset {upstream} is not signed by its owner {signer}.',
    'Ask the owner to sign exactly these parts.',
  ],
  ConsentUsed: ['{signer} used or cancelled consent nonce {nonce} before.', 'Ask for a new consent.'],
  CostsRaised: [
    'Running costs of asset {asset} cannot be raised to {perDay} a day and a cap of {cap} while a loan is outstanding.',
    'Repay the loan first.',
  ],
  DebtNotListed: ['Debt module {debt} is not listed.', 'Use a listed one.'],
  DebtOutstanding: [
    'Asset {asset} secures a loan of {debt}, or its module does not answer.',
    'Repay the loan first.',
  ],
  EpochLengthInvalid: ['An epoch of {epochLength} s is not allowed.'],
  GasTooLow: ['{left} gas was left where the debt module needs {needed}.', 'Send it with more gas.'],
  HeldForDebt: [
    '{held} wait for the answer of the debt module of asset {asset}.',
    'Settle the asset again when the module answers.',
  ],
  NotAdmin: ['{caller} does not administer the till.'],
  NotAssets: ['{caller} is not the register of assets.'],
  NotOfferedAdmin: ['The administration was not offered to {caller}.'],
  NonceReserved: [
    'The authorization with nonce {nonce} is for a module, not for a deposit.',
    'Send it through the module that it was signed for.',
  ],
  NothingArrived: ['The deposit brought no tokens of {token}.', 'Check balance and allowance.'],
  PermitIgnored: [
    'Token {token} took the permit without counting it.',
    'Approve the till and deposit plainly.',
  ],
  ReceiverInvalid: ['Money withdrawn to {to} would be lost.', 'Withdraw to another account.'],
  Reentered: ['The till was called from inside one of its own calls.'],
  SharesBound: [
    'Only the account {shares} may lower the part of shares of asset {asset} to {bps} basis points or give up the slot.',
    'Send it from the account of the shares.',
  ],
  SharesInvalid: [
    'The shares slot needs both an account and a part, or neither: {shares} and {bps} basis points were given.',
  ],
  UpstreamCurrency: [
    'Upstream asset {upstream} is paid in {currency}, not in {expected}.',
    'Name only assets with the same currency.',
  ],
  UpstreamInvalid: ['Upstream asset {upstream} cannot have a part of {bps} basis points.'],
  UpstreamTooMany: ['{count} upstream assets were named, at most {max} are allowed.'],
  UpstreamUnsorted: [
    'Upstream asset {next} stands behind {previous}.',
    'Name upstream assets in ascending order, each once.',
  ],
  ZeroAmount: ['The amount was zero.', 'Pay at least one base unit.'],
  ERC6909InsufficientAllowance: [
    '{spender} may move {allowance} of the currency with id {id}, {needed} are needed.',
    'Approve the module for the till account.',
  ],
  ERC6909InsufficientBalance: [
    'The till account of {sender} holds {balance} of the currency with id {id}, {needed} are needed.',
    'Deposit the difference.',
  ],
  ERC6909InvalidReceiver: ['{receiver} cannot receive money in the till.'],
  ERC6909InvalidSpender: ['{spender} cannot be allowed to spend in the till.'],
  SafeERC20FailedOperation: [
    'Token {token} refused the transfer.',
    'Check balance and allowance of the wallet.',
  ],
  SafeCastOverflowedUintDowncast: ['The value {value} does not fit in {bits} bits.'],

  NotLienholder: ['{caller} is not in the debt slot of asset {asset}.'],

  ...creditSentences,

  // Tokens
  ERC20InsufficientAllowance: [
    '{spender} may take {allowance} of the tokens, {needed} are needed.',
    'Approve the till for the token, or deposit with a permit.',
  ],
  ERC20InsufficientBalance: [
    'The wallet {sender} holds {balance}, {needed} are needed.',
    'Get more of the currency; on a local network use the faucet.',
  ],
  ERC20InvalidApprover: ['{approver} cannot approve token transfers.'],
  ERC20InvalidReceiver: ['{receiver} cannot receive tokens this way.'],
  ERC20InvalidSender: ['{sender} cannot send tokens.'],
  ERC20InvalidSpender: ['{spender} cannot be allowed to spend tokens.'],
  ERC2612ExpiredSignature: ['The permit was good until {deadline}.', 'Sign a new one.'],
  ERC2612InvalidSigner: ['The permit was signed by {signer}, not by {owner}.', 'Sign it with the owner.'],
  ERC3009UsedAuthorization: [
    'Authorization {nonce} of {authorizer} was used or cancelled before.',
    'Sign a new one.',
  ],
  ERC3009InvalidAuthorizationTime: [
    'The authorization is good from {validAfter} to {validBefore} only.',
    'Sign a new one.',
  ],
  ERC3009InvalidSignature: ['The authorization is not signed by its owner.', 'Sign it with the owner.'],
  InvalidAccountNonce: [
    '{account} is at nonce {currentNonce}; the signature is for another.',
    'Sign a new one.',
  ],
  ECDSAInvalidSignature: ['The signature is none.'],
  ECDSAInvalidSignatureLength: ['A signature of {length} bytes is none.'],
  ECDSAInvalidSignatureS: ['The signature is written in its second form (s = {s}), which is refused.'],
  InvalidShortString: ['A name in the contract is stored wrongly.'],
  StringTooLong: ['The text {str} is too long for the contract.'],
}
