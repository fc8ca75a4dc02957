import { zeroAddress } from 'viem'
import type { Draft } from './Draft.ts'
import { EventOutOfPlace } from './errors.ts'
import { type ChainEvent, seqOf } from './events.ts'
import { LeaseState } from './LeaseState.ts'
import { noteMoves } from './noteMoves.ts'
import type { RelationName, Row } from './relations.ts'

/** Applies one event to the draft. Pure: the draft is all it reads and changes. @throws EventOutOfPlace */
export function applyEvent(draft: Draft, event: ChainEvent): void {
  draft.enter(event.block)
  noteMoves(draft, event)
  switch (event.type) {
    case 'assets.AssetRegistered': {
      const { asset, owner, operator, kind, device, currency, spec, uri } = event.args
      const counts = { opened: 0, started: 0, lapsed: 0, broken: 0, settled: 0, earned: 0n }
      const registered = { registered_at: event.time, ...counts }
      draft.put('assets', { asset, owner, operator, kind, device, currency, spec, uri, ...registered })
      draft.put('tills', emptyTill(asset))
      return
    }
    case 'assets.Transfer': {
      // Minting is told by AssetRegistered, which may stand before or after it.
      if (event.args.from === zeroAddress) return
      change(draft, event, 'assets', event.args.tokenId, () => ({ owner: event.args.to }))
      return
    }
    case 'assets.OperatorChanged':
      change(draft, event, 'assets', event.args.asset, () => ({ operator: event.args.operator }))
      return
    case 'assets.DeviceChanged':
      change(draft, event, 'assets', event.args.asset, () => ({ device: event.args.device }))
      return
    case 'assets.SpecChanged': {
      const { asset, spec, uri } = event.args
      change(draft, event, 'assets', asset, () => ({ spec, uri }))
      return
    }

    case 'till.Deposited': {
      const { token, to, amount } = event.args
      const account = accountOf(draft, to, token)
      draft.put('accounts', { ...account, deposited: account.deposited + amount })
      const currency = currencyOf(draft, token)
      draft.put('currencies', { ...currency, deposited: currency.deposited + amount })
      return
    }
    case 'till.Withdrawn': {
      const { token, from, amount } = event.args
      const account = accountOf(draft, from, token)
      draft.put('accounts', { ...account, withdrawn: account.withdrawn + amount })
      const currency = currencyOf(draft, token)
      draft.put('currencies', { ...currency, withdrawn: currency.withdrawn + amount })
      return
    }
    case 'till.Transfer': {
      const { sender, receiver, id, amount } = event.args
      const currency = currencyOfId(id)
      if (sender !== zeroAddress) {
        const account = accountOf(draft, sender, currency)
        draft.put('accounts', { ...account, balance: difference(event, account.balance, amount) })
      }
      if (receiver !== zeroAddress) {
        const account = accountOf(draft, receiver, currency)
        draft.put('accounts', { ...account, balance: account.balance + amount })
      }
      return
    }
    case 'till.Paid': {
      const { asset, payer, epoch, amount, total } = event.args
      const { time, transaction: tx } = event
      draft.add('payments', { seq: seqOf(event), asset, payer, epoch, amount, time, tx })
      change(draft, event, 'tills', asset, (till) => ({
        epoch,
        bucket: sum(event, till.bucket, amount, total),
        revenue: till.revenue + amount,
        payments: till.payments + 1,
      }))
      return
    }
    case 'till.Settled': {
      const { asset, epoch, boundary, fee, upstream, costs, debt, shares, owner } = event.args
      const paid = fee + upstream + costs + debt + shares + owner
      change(draft, event, 'tills', asset, (till) => ({
        bucket: 0n,
        // Only what waits for the debt module's answer stays behind.
        debt_held: difference(event, till.bucket + till.debt_held, paid),
        settled_epoch: epoch,
        settled_boundary: boundary,
        paid_fee: till.paid_fee + fee,
        paid_upstream: till.paid_upstream + upstream,
        paid_costs: till.paid_costs + costs,
        paid_debt: till.paid_debt + debt,
        paid_shares: till.paid_shares + shares,
        paid_owner: till.paid_owner + owner,
      }))
      return
    }
    case 'till.RoyaltyAccrued': {
      const { upstream, amount, total } = event.args
      change(draft, event, 'tills', upstream, (till) => ({
        royalties_due: sum(event, till.royalties_due, amount, total),
      }))
      return
    }
    case 'till.RoyaltyPulled': {
      const { asset, epoch, amount, total } = event.args
      change(draft, event, 'tills', asset, (till) => ({
        epoch,
        bucket: sum(event, till.bucket, amount, total),
        revenue: till.revenue + amount,
        royalties_due: difference(event, till.royalties_due, amount),
        royalties_pulled: till.royalties_pulled + amount,
      }))
      return
    }
    case 'till.UpstreamChanged': {
      const upstream = event.args.upstream.map(({ asset, bps }) => ({ asset: asset.toString(), bps }))
      change(draft, event, 'tills', event.args.asset, () => ({ upstream }))
      return
    }
    case 'till.RunningCostsChanged': {
      const { asset, perDay, cap } = event.args
      change(draft, event, 'tills', asset, () => ({ costs_per_day: perDay, costs_cap: cap }))
      return
    }
    case 'till.DebtChanged': {
      // The slot only changes when nothing is owed: what waited went to the layers below.
      const { asset, debt } = event.args
      change(draft, event, 'tills', asset, () => ({ debt, debt_held: 0n }))
      return
    }
    case 'till.SharesChanged': {
      const { asset, shares, bps } = event.args
      change(draft, event, 'tills', asset, () => ({ shares, shares_bps: bps }))
      return
    }
    case 'market.LeaseOpened':
      openLease(draft, event)
      return
    case 'market.LeaseStarted': {
      const { lease, startedAt, endsAt } = event.args
      const row = changeLease(draft, event, lease, () => ({
        state: LeaseState.Running,
        started_at: startedAt,
        ends_at: endsAt,
      }))
      change(draft, event, 'assets', row.asset, (asset) => ({ started: asset.started + 1 }))
      return
    }
    case 'market.LeaseExtended': {
      const { lease, added, deposit, endsAt } = event.args
      changeLease(draft, event, lease, (row) => ({
        duration: row.duration + added,
        deposit,
        ends_at: endsAt,
      }))
      return
    }
    case 'market.LeaseStopped': {
      const { lease, by, stoppedAt } = event.args
      const row = changeLease(draft, event, lease, () => ({
        state: LeaseState.Stopped,
        stopped_at: stoppedAt,
        stopped_by: by,
      }))
      // Only the two may stop: who is not the buyer is the operator, or was made it since.
      countEnd(draft, event, row, by !== row.buyer, stoppedAt)
      return
    }
    case 'market.LeaseSettled': {
      const { lease, earned, refunded, bondToBuyer } = event.args
      const before = leaseOf(draft, event, lease)
      // Without a stop it ended by itself: at the end of what was bought, or of the window to start in.
      const ended = before.stopped_at ?? before.ends_at ?? before.start_by + 1
      if (before.stopped_at === null) countEnd(draft, event, before, false, ended)
      changeLease(draft, event, lease, () => ({
        state: LeaseState.Settled,
        stopped_at: ended,
        settled_at: event.time,
        earned,
        refunded,
        bond_to_buyer: bondToBuyer,
      }))
      change(draft, event, 'assets', before.asset, (asset) => ({
        settled: asset.settled + 1,
        earned: asset.earned + earned,
      }))
      return
    }
    case 'market.NonceCancelled': {
      const { operator, nonce } = event.args
      draft.add('cancellations', { operator, nonce, seq: seqOf(event) })
      return
    }
    case 'market.SeriesCancelled':
      draft.put('series', { operator: event.args.operator, series: event.args.series })
      return

    case 'channels.ChannelOpened': {
      const { id, payer, signer, payee, asset, currency, closeDelay, salt, epoch, deposit } = event.args
      const before = draft.get('channels', id)
      draft.put('channels', {
        channel: id,
        seq: seqOf(event),
        ...{ payer, signer, payee, asset, currency, salt, close_delay: closeDelay },
        epoch: Number(epoch),
        opened_at: event.time,
        deposit,
        claimed: 0n,
        claimed_ever: before?.claimed_ever ?? 0n,
        closes_at: null,
      })
      return
    }
    case 'channels.ChannelToppedUp': {
      const { id, amount, deposit, closesAt } = event.args
      change(draft, event, 'channels', id, (channel) => ({
        deposit: sum(event, channel.deposit, amount, deposit),
        closes_at: closesAt === 0 ? null : closesAt,
      }))
      return
    }
    case 'channels.ChannelClaimed': {
      const { id, amount, claimed } = event.args
      change(draft, event, 'channels', id, (channel) => ({
        claimed: sum(event, channel.claimed, amount, claimed),
        claimed_ever: channel.claimed_ever + amount,
      }))
      return
    }
    case 'channels.CloseRequested':
      change(draft, event, 'channels', event.args.id, () => ({ closes_at: event.args.closesAt }))
      return
    case 'channels.ChannelClosed': {
      const { id, claimed, refunded } = event.args
      change(draft, event, 'channels', id, (channel) => {
        sum(event, claimed, refunded, channel.deposit)
        // A close with a last voucher pays it without a claim of its own.
        const last = difference(event, claimed, channel.claimed)
        const claimed_ever = channel.claimed_ever + last
        return { epoch: channel.epoch + 1, deposit: 0n, claimed: 0n, claimed_ever, closes_at: null }
      })
      return
    }
    default:
      event satisfies never
  }
}

function openLease(draft: Draft, event: ChainEvent & { type: 'market.LeaseOpened' }): void {
  const { lease, asset, buyer, operator, pricePerHour, deposit, bond, startBy, duration, spec, terms } =
    event.args
  draft.put('leases', {
    lease,
    seq: seqOf(event),
    state: LeaseState.Open,
    asset,
    buyer,
    operator,
    price_per_hour: pricePerHour,
    deposit,
    bond,
    duration,
    spec,
    terms,
    opened_at: event.time,
    start_by: startBy,
    started_at: null,
    ends_at: null,
    stopped_at: null,
    stopped_by: null,
    settled_at: null,
    earned: null,
    refunded: null,
    bond_to_buyer: null,
    opened_tx: event.transaction,
  })
  change(draft, event, 'assets', asset, (row) => ({ opened: row.opened + 1 }))
}

/**
 * Counts against the asset a lease whose end is not the buyer's doing: never started although the window
 * passed or because the operator stopped it, or stopped early by the operator. A buyer who goes before
 * the window closes counts for neither side.
 */
function countEnd(
  draft: Draft,
  event: ChainEvent,
  lease: Row<'leases'>,
  byOperator: boolean,
  endedAt: number,
): void {
  if (lease.started_at === null) {
    if (!byOperator && endedAt <= lease.start_by) return
    change(draft, event, 'assets', lease.asset, (asset) => ({ lapsed: asset.lapsed + 1 }))
    return
  }
  if (!byOperator || endedAt >= (lease.ends_at ?? 0)) return
  change(draft, event, 'assets', lease.asset, (asset) => ({ broken: asset.broken + 1 }))
}

function change<N extends RelationName>(
  draft: Draft,
  event: ChainEvent,
  relation: N,
  key: bigint | string,
  next: (row: Row<N>) => Partial<Row<N>>,
): void {
  const row = draft.get(relation, String(key))
  if (row === null) throw new EventOutOfPlace(event, `"${relation}" has no row "${key}"`)
  draft.put(relation, { ...row, ...next(row) })
}

/** Events carry the new total, so each one proves that none before it is missing. */
function sum(event: ChainEvent, before: bigint, amount: bigint, total: bigint): bigint {
  if (before + amount === total) return total
  throw new EventOutOfPlace(event, `${before} and ${amount} do not make ${total}`)
}

function difference(event: ChainEvent, before: bigint, amount: bigint): bigint {
  if (before >= amount) return before - amount
  throw new EventOutOfPlace(event, `${amount} cannot go out of ${before}`)
}

function leaseOf(draft: Draft, event: ChainEvent, lease: string): Row<'leases'> {
  const row = draft.get('leases', lease)
  if (row === null) throw new EventOutOfPlace(event, `the lease "${lease}" was never opened`)
  return row
}

function changeLease(
  draft: Draft,
  event: ChainEvent,
  lease: string,
  next: (row: Row<'leases'>) => Partial<Row<'leases'>>,
): Row<'leases'> {
  const row = leaseOf(draft, event, lease)
  const changed = { ...row, ...next(row) }
  draft.put('leases', changed)
  return changed
}

/** The currency of an ERC-6909 id of the till. */
export function currencyOfId(id: bigint): string {
  return `0x${id.toString(16).padStart(40, '0')}`
}

function accountOf(draft: Draft, account: string, currency: string): Row<'accounts'> {
  const empty = { account, currency, balance: 0n, deposited: 0n, withdrawn: 0n }
  return draft.get('accounts', `${account}:${currency}`) ?? empty
}

function currencyOf(draft: Draft, currency: string): Row<'currencies'> {
  return draft.get('currencies', currency) ?? { currency, deposited: 0n, withdrawn: 0n }
}

function emptyTill(asset: bigint): Row<'tills'> {
  return {
    asset,
    epoch: 0,
    bucket: 0n,
    revenue: 0n,
    payments: 0,
    settled_epoch: null,
    settled_boundary: null,
    paid_fee: 0n,
    paid_upstream: 0n,
    paid_costs: 0n,
    paid_debt: 0n,
    paid_shares: 0n,
    paid_owner: 0n,
    royalties_due: 0n,
    royalties_pulled: 0n,
    upstream: [],
    costs_per_day: 0n,
    costs_cap: 0n,
    debt: zeroAddress,
    debt_held: 0n,
    shares: zeroAddress,
    shares_bps: 0,
  }
}
