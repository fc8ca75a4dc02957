import type { RevertSentence } from './revertSentences.ts'

/** Errors of facilities, desks, vaults, auction and appraisals, for `revertSentences`. */
export const creditSentences: Readonly<Record<string, RevertSentence>> = {
  // Facility
  AmountTooHigh: ['An amount of {amount} is more than a facility can hold.', 'Use a lower one.'],
  AssetSecuresLoan: ['Asset {asset} secures loan {loan} already.', 'Repay that loan first.'],
  IdleTooLow: [
    'A draw of {amount} is more than is idle in the facility, {idle}.',
    'Draw less, or wait for lenders and repayments.',
  ],
  JuniorTooThin: [
    'Junior stands at {junior}, {needed} are needed.',
    'Wait until junior lenders put more in, or use less.',
  ],
  LendersWait: ['Lenders wait for their money, which goes first.', 'Serve the queue, then try again.'],
  LoanExists: ['Loan {loan} was opened before.', 'Draw on it, or take another nonce for another loan.'],
  LoanNotIn: ['Loan {loan} is {state}: this cannot be done then.', 'Look at its status.'],
  LoanSwept: ['Loan {loan} is swept: nothing can be drawn.', 'Draw again when its coverage is back.'],
  LoanUnknown: ['No loan {loan} was opened.', 'Check the id, the facility and the chain.'],
  NotAuction: ['{caller} is not the auction of this facility.'],
  NotDesk: ['{caller} is not the desk of this facility.', 'Go through the desk.'],
  NotRanks: ['{caller} is not the ranks that this facility knows.'],
  RanksTooMany: ['{count} facilities are too many on one asset.', 'Name at most {most}.'],
  RankInvalid: [
    'Facility {facility} is not listed by the till, lends in another currency, or is named twice.',
    'Name listed facilities in the currency of the asset, each once.',
  ],
  RankBound: [
    'Facility {facility} has lent on asset {asset}: its place, its cap and what stands before it stay.',
    'Repay that loan first, or add at the end.',
  ],
  NotRanked: ['{caller} does not stand on asset {asset}.'],
  Overdrawn: ['Facility {facility} took more than it was offered.'],
  PriceBelowRanks: [
    'Facility {facility} stands before the seller of asset {asset} and is owed {owed}; {left} of the price is left for it.',
    'The asset is sold when the price pays those before in full.',
  ],
  AheadChanged: [
    'Others may draw {ahead} before loan {loan}, not what its terms say.',
    'Agree on new terms that name it.',
  ],
  BeyondCap: [
    'The limit of loan {loan} is above {cap}, the caps of its facility in the ranks.',
    'Lower the limit, or raise the cap in the ranks.',
  ],
  AssetGone: ['Asset {asset} was sold by a facility before this one.', 'Agree on a new loan.'],
  StringsInsufficientHexLength: ['{value} does not fit into {length} digits.'],
  NotTill: ['{caller} is not the till.'],
  NotVault: ['{caller} is not a vault of this facility.', 'Go through a vault.'],
  NothingToDo: ['There is nothing to do on loan {loan}.', 'Look at its status; try again when it changed.'],
  RampOver: ['Loan {loan} could be drawn until {rampEnd}.', 'Agree on a new loan.'],
  RulesInvalid: [
    'The rules contradict each other.',
    'A facility needs a currency, a grace of three epochs or more, a half-life and a start of the auction, a curator, and parts within 10,000.',
  ],
  StakeTooLow: [
    '{underwriter} has a free stake of {free}, {needed} are needed.',
    'Stake the difference, or draw less.',
  ],

  // Desk
  AboveChanged: [
    'What is paid before debt by asset {asset} is {above} now, not what the terms say.',
    'Sign new terms, or bring the till back to what was signed.',
  ],
  AppraisalExpired: [
    'The appraisal of asset {asset} is not fresh.',
    'Ask the panel for a new one; for an asset of units, to list its facility as an appraiser.',
  ],
  EvidenceExpired: [
    'Nobody vouches any more for where the revenue of asset {asset} came from, and this facility asks for it.',
    'Ask its evidence panel to look and to sign.',
  ],
  LoanOwes: ['Loan {loan} owes {owed}: only one of which nothing is drawn can be called off.', 'Repay it.'],
  AssetNotPledged: [
    "Asset {asset} is not the borrower's, is paid in another currency, or this facility is not in the debt slot of its till.",
    'Put the facility into the debt slot of its till first.',
  ],
  OwnUnits: [
    'Asset {asset} is made of units of this facility itself.',
    'Borrow on it from another facility.',
  ],
  UnitsMixed: [
    'Asset {asset} is not of the same facility as the others behind the loan.',
    'Back a loan with units of one facility and nothing else, or with no units.',
  ],
  UnfitForUnits: [
    'Asset {asset} is made of units: the terms do not fit.',
    'Lend on their value alone, with a multiple of 0 and all of what reaches debt to the loan, and put nothing before debt in its till.',
  ],
  TooDeep: [
    'Behind the facility {facility} are others that have others behind them.',
    'Borrow on units of a facility nearer to the machines.',
  ],
  TooManyBehind: [
    'Units of {most} facilities secure loans here already; {facility} would be one more.',
    'Repay and harvest loans on the units of one of them first.',
  ],
  BeyondCapacity: [
    'Loan {loan} would stand at {principal}; value and revenue carry {capacity}.',
    'Draw less, or have the assets appraised again.',
  ],
  BeyondReleased: [
    'Loan {loan} would be drawn to {drawn}; {released} are released.',
    'Ask the underwriter to release more.',
  ],
  NotBorrower: ['{caller} is not the borrower of loan {loan}.', "Send it from the borrower's account."],
  NotCurator: ['{caller} is not the curator.', "Send it from the curator's account."],
  ReleaseExpired: ['The release of loan {loan} was good until {deadline}.', 'Ask for a new one.'],
  ReleaseSignatureInvalid: [
    'The release of loan {loan} is not signed by {underwriter} for this total and deadline.',
    'Ask the underwriter to sign exactly this.',
  ],
  TermsBeyondRules: ['The terms of loan {loan} go beyond a rule of the facility.', 'Ask for less.'],
  TermsExpired: ['Loan {loan} could be opened until {expiry}.', 'Have new terms signed.'],
  TermsInvalid: [
    'The terms of loan {loan} contradict each other.',
    'They need 1 to 8 assets in ascending order, an obligor, a maturity ahead and not before the end of the ramp, first draws within the limit, and parts within 10,000.',
  ],
  TermsSignatureInvalid: [
    'The terms of loan {loan} are not signed by {underwriter}, or they were altered.',
    'Ask the underwriter to sign exactly these.',
  ],
  TooConcentrated: [
    '{exposure} would hang on {key}; {most} may.',
    'Draw less, or wait until the facility has grown.',
  ],
  TooFewBets: [
    'The effective number of names of kind {kind} would be {bets} hundredths; {least} are needed.',
    'Draw less, or wait until the facility has grown.',
  ],
  UnderwriterUnlisted: [
    '{underwriter} may not sign for this facility, or not yet.',
    'Take a listed underwriter; one that was added signs seven days later.',
  ],

  // Vault
  ClaimTooHigh: ['{asked} were asked for; {claimable} can be claimed.', 'Claim what was paid so far.'],
  LineWipedOut: ['This line lost everything and takes no new money.', 'Lend through another facility.'],
  NoPreview: ['Nobody can say today what a request will bring.', 'Ask again when it was paid.'],
  NotController: [
    '{caller} may not act for {controller}.',
    'Send it from that account, or let it make you its operator.',
  ],
  RequestOpen: ['The last request of {controller} is not claimed yet.', 'Claim it first.'],
  SlippageTooHigh: ['{got} shares are fewer than {least}.', 'Look at the price and try again.'],
  ZeroShares: ['There are no shares to act on, or the amount buys none.', 'Use a larger amount.'],

  // Units
  VaultUnlisted: [
    '{vault} is not the senior line of a facility that the till lists.',
    'Take the senior line of a listed facility.',
  ],
  NotUnits: ['Asset {asset} is not made of units.', 'Check its number.'],
  SharesTooFew: ['Asset {asset} holds {held} shares, {asked} were asked for.', 'Ask for fewer.'],
  InAuction: [
    'Asset {asset} is in the auction: nothing is taken out of it until it is sold.',
    'Take it there, or wait.',
  ],
  NothingToCollect: [
    'The queue paid nothing for asset {asset} that was not collected.',
    'Serve the queue first.',
  ],

  // Auction
  LotInvalid: ['A lot cannot start at {startPrice} with a half-life of {halfLife} s.'],
  LotUnknown: ['{seller} does not sell asset {asset}.', 'Check both, and whether it was taken.'],
  PriceAbove: ['The price stands at {price}, above {maxPrice}.', 'Wait, or offer more.'],
  RunNotOver: ['The auction of asset {asset} is not over.', 'Take it, or wait.'],
  RunOver: ['The auction of asset {asset} is over.', 'Start it again.'],

  // Appraisals
  AppraisalCount: ['{given} appraisals were given; the quorum is {quorum}, nine are the most.'],
  AppraisalForeign: ['Appraisal {index} is of another panel, asset or curve.', 'Give those of one only.'],
  AppraisalSignatureInvalid: [
    'The appraisal is not signed by {appraiser}, or it was altered.',
    'Ask for it again.',
  ],
  AppraisalStale: [
    'An appraisal as of {asOf}, good until {expiry}, is of the future, expired, or not newer than the record.',
    'Ask for a new one.',
  ],
  AppraisalsUnsorted: ['Appraisal {index} is lower than the one before.', 'Sort them by value.'],
  UnitsAppraised: [
    'Asset {asset} is made of units: its facility says what it is worth, nobody appraises it.',
  ],
  AppraiserTwice: ['{appraiser} stands in the list twice.', 'Give one of each.'],
  AppraiserUnlisted: [
    '{appraiser} is no appraiser of panel {panel}, or not yet.',
    'Take a listed one; one that was added counts seven days later.',
  ],
  CurveInvalid: [
    'A half-life of {halfLife} s with a haircut of {haircutBps} basis points is no curve.',
    'A half-life is a day or more, a haircut 10,000 at most.',
  ],
  CurveUnknown: ['No curve {curve} was published.', 'Check the number.'],
  NotOfPanel: ['{caller} is neither the curator nor an appraiser of panel {panel}.'],
  QuorumInvalid: ['A quorum of {quorum} is none; it is 1 to 9.'],
}
