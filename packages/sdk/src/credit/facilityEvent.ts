import type { Address, Hash } from 'viem'
import type { FacilityLine } from './facility.ts'
import type { LoanState } from './getLoan.ts'
import type { LoanTerms } from './loanTerms.ts'
import type { Rank } from './setRanks.ts'

/** Something that happened to a facility. Amounts in base units of its currency, shares in those of the vault. */
export type FacilityEvent = {
  readonly blockNumber: bigint
  readonly logIndex: number
  readonly transaction: Hash
} & (
  | { readonly type: 'loanOpened'; readonly loan: Hash; readonly terms: LoanTerms }
  | {
      readonly type: 'drawn'
      readonly loan: Hash
      readonly to: Address
      readonly amount: bigint
      readonly principal: bigint
    }
  | {
      readonly type: 'repaid'
      readonly loan: Hash
      /** Asset whose revenue paid; `null` for money from an account or an auction. */
      readonly from: bigint | null
      readonly interest: bigint
      readonly principal: bigint
      /** Time from which the principal that was paid bears no interest. */
      readonly since: number
    }
  | { readonly type: 'sweepChanged'; readonly loan: Hash; readonly sweeps: boolean }
  | { readonly type: 'loanStateChanged'; readonly loan: Hash; readonly state: LoanState }
  | { readonly type: 'bountyPaid'; readonly loan: Hash; readonly to: Address; readonly amount: bigint }
  | {
      readonly type: 'sold'
      readonly loan: Hash
      readonly asset: bigint
      readonly to: Address
      readonly price: bigint
      /** What the borrower gets of it. */
      readonly surplus: bigint
    }
  | {
      readonly type: 'writtenOff'
      readonly loan: Hash
      /** What lenders lost. */
      readonly loss: bigint
      /** What the stake paid. */
      readonly cover: bigint
    }
  | {
      readonly type: 'recovered'
      readonly loan: Hash
      readonly toLenders: bigint
      readonly toStake: bigint
    }
  | { readonly type: 'stakeChanged'; readonly underwriter: Address; readonly free: bigint }
  | { readonly type: 'stakeLocked'; readonly loan: Hash; readonly locked: bigint }
  | { readonly type: 'underwriterChanged'; readonly underwriter: Address; readonly from: number }
  | { readonly type: 'curatorChanged'; readonly curator: Address }
  | {
      readonly type: 'deposited'
      readonly line: FacilityLine
      readonly sender: Address
      readonly owner: Address
      readonly assets: bigint
      readonly shares: bigint
    }
  | {
      readonly type: 'redeemRequested'
      readonly line: FacilityLine
      readonly controller: Address
      readonly owner: Address
      readonly shares: bigint
    }
  | {
      readonly type: 'queuePaid'
      readonly line: FacilityLine
      readonly shares: bigint
      readonly assets: bigint
      readonly waiting: bigint
    }
  | {
      readonly type: 'claimed'
      readonly line: FacilityLine
      readonly receiver: Address
      readonly controller: Address
      readonly assets: bigint
      readonly shares: bigint
    }
  | {
      /** Shares that moved from one lender to another; those of deposits and of the queue have events of their own. */
      readonly type: 'transferred'
      readonly line: FacilityLine
      readonly from: Address
      readonly to: Address
      readonly shares: bigint
    }
  | {
      readonly type: 'auctionStarted'
      readonly asset: bigint
      readonly startPrice: bigint
      readonly halfLife: number
      readonly runs: number
    }
  | {
      readonly type: 'auctionTaken'
      readonly asset: bigint
      readonly to: Address
      readonly taker: Address
      readonly price: bigint
    }
  | { readonly type: 'auctionCancelled'; readonly asset: bigint }
  | {
      /** An order of facilities on an asset in which this one stands; one that leaves it out is none of its events. */
      readonly type: 'ranked'
      readonly asset: bigint
      /** First to last. */
      readonly ranks: readonly Rank[]
    }
  /** What the ranks took for this facility of an asset's revenue; `repaid` says what it paid. */
  | { readonly type: 'collected'; readonly asset: bigint; readonly amount: bigint }
  /** What was collected went into the facility's account in the till. */
  | { readonly type: 'forwarded'; readonly amount: bigint }
)
