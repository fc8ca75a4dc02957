import { zeroAddress } from 'viem'
import { currencyOfId } from './applyEvent.ts'
import type { ChainEvent } from './events.ts'
import type { RelationName } from './relations.ts'

/** A row that an event will read; `fresh` when the event itself makes it, so that the database cannot have it. */
export type Touch = (relation: RelationName, key: string, fresh?: 'fresh') => void

/**
 * Names every row that `applyEvent` will read for this event, apart from the asset of a lease, which only the
 * lease's own row tells (`leaseOf`).
 */
export function keysOf(event: ChainEvent, touch: Touch): void {
  switch (event.type) {
    case 'assets.AssetRegistered':
      touch('assets', String(event.args.asset), 'fresh')
      touch('tills', String(event.args.asset), 'fresh')
      return
    case 'assets.Transfer':
      if (event.args.from !== zeroAddress) touch('assets', String(event.args.tokenId))
      return
    case 'assets.OperatorChanged':
    case 'assets.DeviceChanged':
    case 'assets.SpecChanged':
      touch('assets', String(event.args.asset))
      return
    case 'till.Deposited':
      touch('accounts', `${event.args.to}:${event.args.token}`)
      touch('currencies', event.args.token)
      return
    case 'till.Withdrawn':
      touch('accounts', `${event.args.from}:${event.args.token}`)
      touch('currencies', event.args.token)
      return
    case 'till.Transfer': {
      const currency = currencyOfId(event.args.id)
      if (event.args.sender !== zeroAddress) touch('accounts', `${event.args.sender}:${currency}`)
      if (event.args.receiver !== zeroAddress) touch('accounts', `${event.args.receiver}:${currency}`)
      return
    }
    case 'till.RoyaltyAccrued':
      touch('tills', String(event.args.upstream))
      touch('assets', String(event.args.asset))
      return
    case 'till.Settled':
      touch('tills', String(event.args.asset))
      touch('assets', String(event.args.asset))
      return
    case 'till.Paid':
    case 'till.RoyaltyPulled':
    case 'till.UpstreamChanged':
    case 'till.RunningCostsChanged':
    case 'till.DebtChanged':
    case 'till.SharesChanged':
      touch('tills', String(event.args.asset))
      return
    case 'market.LeaseOpened':
      touch('leases', event.args.lease, 'fresh')
      touch('assets', String(event.args.asset))
      return
    case 'market.LeaseStarted':
    case 'market.LeaseExtended':
    case 'market.LeaseStopped':
    case 'market.LeaseSettled':
      touch('leases', event.args.lease)
      return
    case 'market.NonceCancelled':
      return
    case 'channels.ChannelOpened':
    case 'channels.ChannelToppedUp':
    case 'channels.ChannelClaimed':
    case 'channels.CloseRequested':
    case 'channels.ChannelClosed':
      // Opened again after a close, a channel is there already.
      touch('channels', event.args.id)
      return
    case 'market.SeriesCancelled':
      touch('series', event.args.operator)
      return
    default:
      event satisfies never
  }
}
