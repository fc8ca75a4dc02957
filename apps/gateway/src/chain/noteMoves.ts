import { zeroAddress } from 'viem'
import { currencyOfId } from './applyEvent.ts'
import type { Draft } from './Draft.ts'
import { type ChainEvent, seqOf } from './events.ts'

/** How an asset is named among accounts. */
export function assetName(asset: bigint): string {
  return `asset ${asset}`
}

/**
 * Notes who money went to, whoever passed it on: a lease's earnings come from its buyer and a channel's from its payer, not from the contract
 * that held them; a settlement goes to each layer. What the till itself pays is told by `till.Paid`. Reads what `applyEvent` reads.
 */
export function noteMoves(draft: Draft, event: ChainEvent): void {
  let part = 0
  const note = (sender: string, receiver: string, [currency, amount]: readonly [string, bigint]) => {
    if (amount === 0n || sender === receiver || receiver === zeroAddress) return
    draft.add('moves', {
      seq: seqOf(event),
      part: part++,
      sender,
      receiver,
      currency,
      amount,
      time: event.time,
    })
  }
  switch (event.type) {
    case 'till.Transfer': {
      const { sender, receiver, id, amount } = event.args
      // From and to nobody: what was deposited, withdrawn, paid or settled, which other events tell.
      if (sender !== zeroAddress) note(sender, receiver, [currencyOfId(id), amount])
      return
    }
    case 'till.Deposited':
    case 'till.Withdrawn': {
      const { from, to, token, amount } = event.args
      note(from, to, [token, amount])
      return
    }
    case 'till.Settled': {
      const { asset, costs, debt, shares, owner } = event.args
      const row = draft.get('assets', String(asset))
      const till = draft.get('tills', String(asset))
      if (row === null || till === null) return
      note(assetName(asset), row.operator, [row.currency, costs])
      note(assetName(asset), till.debt, [row.currency, debt])
      note(assetName(asset), till.shares, [row.currency, shares])
      note(assetName(asset), row.owner, [row.currency, owner])
      return
    }
    case 'till.RoyaltyAccrued': {
      const { asset, upstream, amount } = event.args
      const row = draft.get('assets', String(asset))
      if (row !== null) note(assetName(asset), assetName(upstream), [row.currency, amount])
      return
    }
    case 'market.LeaseSettled': {
      const lease = draft.get('leases', event.args.lease)
      const row = lease === null ? null : draft.get('assets', String(lease.asset))
      if (lease !== null && row !== null)
        note(lease.buyer, assetName(lease.asset), [row.currency, event.args.earned])
      return
    }
    case 'channels.ChannelClaimed': {
      const channel = draft.get('channels', event.args.id)
      if (channel === null) return
      const payee = channel.asset === 0n ? channel.payee : assetName(channel.asset)
      note(channel.payer, payee, [channel.currency, event.args.amount])
      return
    }
    case 'channels.ChannelClosed': {
      // A close with a last voucher pays it without a claim of its own.
      const channel = draft.get('channels', event.args.id)
      if (channel === null) return
      const payee = channel.asset === 0n ? channel.payee : assetName(channel.asset)
      note(channel.payer, payee, [channel.currency, event.args.claimed - channel.claimed])
      return
    }
    default:
  }
}
