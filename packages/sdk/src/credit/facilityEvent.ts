import {
  type Address,
  concat,
  decodeFunctionData,
  type Hash,
  type Hex,
  isAddressEqual,
  type Log,
  parseEventLogs,
  toFunctionSelector,
  zeroAddress,
} from 'viem'
import { getAbiItem } from 'viem/utils'
import { auctionAbi } from '../generated/auction.ts'
import { deskAbi } from '../generated/desk.ts'
import { facilityAbi } from '../generated/facility.ts'
import { vaultAbi } from '../generated/vault.ts'
import type { FacilityContracts, FacilityLine } from './facility.ts'
import { type LoanState, loanStates } from './getLoan.ts'
import type { LoanTerms } from './loanTerms.ts'

/** Something that happened to a facility. Amounts in base units of its currency, shares in those of the vault. */
export type FacilityEvent = {
  readonly blockNumber: bigint
  readonly logIndex: number
  readonly transaction: Hash
} & (
  | {
      readonly type: 'loanOpened'
      readonly loan: Hash
      readonly terms: LoanTerms
      readonly signature: Hex
      /** The first draw. */
      readonly amount: bigint
    }
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
)

type Content<E> = E extends unknown ? Omit<E, 'blockNumber' | 'logIndex' | 'transaction'> : never
type EventContent = Content<FacilityEvent>

const borrowSelector = toFunctionSelector(getAbiItem({ abi: deskAbi, name: 'borrow' }))

/**
 * Reads the events of a facility, its desk, its vaults and its lots from logs; what is none of theirs is left out.
 *
 * @param logs Logs of any contracts, in order.
 * @param contracts The facility with its desk, vaults and auction.
 * @returns Events in the order of the logs.
 */
export function decodeFacilityLogs(
  logs: readonly Log<bigint, number, false>[],
  contracts: FacilityContracts & { readonly auction: Address },
): FacilityEvent[] {
  return logs.flatMap((log) => {
    const content = contentOf(log, contracts)
    if (content === null) return []
    const { blockNumber, logIndex, transactionHash: transaction } = log
    return [{ ...content, blockNumber, logIndex, transaction }]
  })
}

function contentOf(
  log: Log<bigint, number, false>,
  contracts: FacilityContracts & { readonly auction: Address },
): EventContent | null {
  const isFrom = (contract: Address) => isAddressEqual(log.address, contract)
  if (isFrom(contracts.facility)) return ofFacility(log)
  if (isFrom(contracts.senior)) return ofVault(log, 'senior')
  if (isFrom(contracts.junior)) return ofVault(log, 'junior')
  if (isFrom(contracts.desk)) return ofDesk(log)
  return isFrom(contracts.auction) ? ofAuction(log, contracts.facility) : null
}

function ofFacility(log: Log<bigint, number, false>): EventContent | null {
  const [event] = parseEventLogs({ abi: facilityAbi, logs: [log] })
  switch (event?.eventName) {
    case 'Drawn':
      return { type: 'drawn', ...event.args }
    case 'Repaid': {
      const { from, ...args } = event.args
      return { type: 'repaid', ...args, from: from === 0n ? null : from }
    }
    case 'SweepChanged':
      return { type: 'sweepChanged', ...event.args }
    case 'LoanStateChanged':
      return {
        type: 'loanStateChanged',
        loan: event.args.loan,
        state: loanStates[event.args.state] ?? 'none',
      }
    case 'BountyPaid':
      return { type: 'bountyPaid', ...event.args }
    case 'Sold':
      return { type: 'sold', ...event.args }
    case 'WrittenOff':
      return { type: 'writtenOff', ...event.args }
    case 'Recovered':
      return { type: 'recovered', ...event.args }
    case 'StakeChanged':
      return { type: 'stakeChanged', ...event.args }
    case 'StakeLocked':
      return { type: 'stakeLocked', ...event.args }
    // Funded and Left say again, without names, what the vaults' events say.
    default:
      return null
  }
}

function ofVault(log: Log<bigint, number, false>, line: FacilityLine): EventContent | null {
  const [event] = parseEventLogs({ abi: vaultAbi, logs: [log] })
  switch (event?.eventName) {
    case 'Deposit':
      return { type: 'deposited', line, ...event.args }
    case 'RedeemRequest': {
      const { controller, owner, shares } = event.args
      return { type: 'redeemRequested', line, controller, owner, shares }
    }
    case 'QueuePaid':
      return { type: 'queuePaid', line, ...event.args }
    case 'Withdraw': {
      const { receiver, owner: controller, assets, shares } = event.args
      return { type: 'claimed', line, receiver, controller, assets, shares }
    }
    case 'Transfer': {
      const { from, to, value: shares } = event.args
      const isOwn = [from, to].some(
        (party) => isAddressEqual(party, zeroAddress) || isAddressEqual(party, log.address),
      )
      return isOwn ? null : { type: 'transferred', line, from, to, shares }
    }
    default:
      return null
  }
}

function ofDesk(log: Log<bigint, number, false>): EventContent | null {
  const [event] = parseEventLogs({ abi: deskAbi, logs: [log] })
  switch (event?.eventName) {
    case 'LoanOpened': {
      // The call's own arguments, without its selector.
      const data = concat([borrowSelector, event.args.arguments])
      const { functionName, args } = decodeFunctionData({ abi: deskAbi, data })
      if (functionName !== 'borrow') return null
      const [terms, signature, amount] = args
      return { type: 'loanOpened', loan: event.args.loan, terms, signature, amount }
    }
    case 'UnderwriterChanged':
      return { type: 'underwriterChanged', ...event.args }
    case 'CuratorChanged':
      return { type: 'curatorChanged', ...event.args }
    default:
      return null
  }
}

function ofAuction(log: Log<bigint, number, false>, seller: Address): EventContent | null {
  const [event] = parseEventLogs({ abi: auctionAbi, logs: [log] })
  if (event === undefined || !isAddressEqual(event.args.seller, seller)) return null
  switch (event.eventName) {
    case 'AuctionStarted': {
      const { asset, startPrice, halfLife, runs } = event.args
      return { type: 'auctionStarted', asset, startPrice, halfLife, runs }
    }
    case 'AuctionTaken': {
      const { asset, to, taker, price } = event.args
      return { type: 'auctionTaken', asset, to, taker, price }
    }
    case 'AuctionCancelled':
      return { type: 'auctionCancelled', asset: event.args.asset }
    default:
      return null
  }
}
