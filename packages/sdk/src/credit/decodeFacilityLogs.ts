import { type Address, isAddressEqual, type Log, parseEventLogs, zeroAddress } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { auctionAbi } from '../generated/auction.ts'
import { deskAbi } from '../generated/desk.ts'
import { facilityAbi } from '../generated/facility.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { vaultAbi } from '../generated/vault.ts'
import type { FacilityContracts, FacilityLine } from './facility.ts'
import type { FacilityEvent } from './facilityEvent.ts'
import { loanStates } from './getLoan.ts'

type Content<E> = E extends unknown ? Omit<E, 'blockNumber' | 'logIndex' | 'transaction'> : never
type EventContent = Content<FacilityEvent>

/** Where events of a facility come from. */
export interface FacilityEventSources extends FacilityContracts {
  readonly auction: Address
  readonly ranks: Address
}

/** The contracts of a facility with those of its deployment that tell of it. */
export function eventSourcesOf(facility: FacilityContracts, deployment: Deployment): FacilityEventSources {
  const { auction, ranks } = creditOf(deployment)
  const { desk, senior, junior } = facility
  return { facility: facility.facility, desk, senior, junior, auction, ranks }
}

/**
 * Reads the events of a facility, its desk, its vaults, its lots and its ranks from logs; what is none of theirs is left out.
 *
 * @param logs Logs of any contracts, in order.
 * @param contracts The facility with its desk, vaults, auction and ranks.
 * @returns Events in the order of the logs.
 */
export function decodeFacilityLogs(
  logs: readonly Log<bigint, number, false>[],
  contracts: FacilityEventSources,
): FacilityEvent[] {
  return logs.flatMap((log) => {
    const content = contentOf(log, contracts)
    if (content === null) return []
    const { blockNumber, logIndex, transactionHash: transaction } = log
    return [{ ...content, blockNumber, logIndex, transaction }]
  })
}

function contentOf(log: Log<bigint, number, false>, contracts: FacilityEventSources): EventContent | null {
  const isFrom = (contract: Address) => isAddressEqual(log.address, contract)
  if (isFrom(contracts.facility)) return ofFacility(log)
  if (isFrom(contracts.senior)) return ofVault(log, 'senior')
  if (isFrom(contracts.junior)) return ofVault(log, 'junior')
  if (isFrom(contracts.desk)) return ofDesk(log)
  if (isFrom(contracts.ranks)) return ofRanks(log, contracts.facility)
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
    case 'LoanOpened':
      return { type: 'loanOpened', loan: event.args.loan, terms: event.args.terms }
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

function ofRanks(log: Log<bigint, number, false>, facility: Address): EventContent | null {
  const [event] = parseEventLogs({ abi: ranksAbi, logs: [log] })
  switch (event?.eventName) {
    case 'Ranked': {
      const { asset, ranks } = event.args
      const isOurs = ranks.some((rank) => isAddressEqual(rank.facility, facility))
      return isOurs ? { type: 'ranked', asset, ranks } : null
    }
    case 'Collected': {
      const { asset, amount } = event.args
      return isAddressEqual(event.args.facility, facility) ? { type: 'collected', asset, amount } : null
    }
    case 'Forwarded': {
      const { amount } = event.args
      return isAddressEqual(event.args.facility, facility) ? { type: 'forwarded', amount } : null
    }
    default:
      return null
  }
}
