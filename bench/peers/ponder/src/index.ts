import { ponder } from 'ponder:registry'
import { accounts, assets, cancellations, currencies, leases, payments, series, tills } from 'ponder:schema'

const zero = '0x0000000000000000000000000000000000000000'

ponder.on('Assets:AssetRegistered', async ({ event, context }) => {
  const { asset, owner, operator, kind, device, currency, spec, uri } = event.args
  await context.db.insert(assets).values({
    ...{ asset, owner, operator, kind, device, currency, spec, uri: uri.replaceAll('\u0000', '') },
    ...{ registeredAt: event.block.timestamp, opened: 0, started: 0, lapsed: 0, broken: 0, settled: 0 },
    earned: 0n,
  })
  await context.db.insert(tills).values({
    ...{ asset, epoch: 0, bucket: 0n, revenue: 0n, payments: 0, paidFee: 0n, paidUpstream: 0n },
    ...{ paidCosts: 0n, paidDebt: 0n, paidShares: 0n, paidOwner: 0n, royaltiesDue: 0n },
    ...{ royaltiesPulled: 0n, upstream: [] },
  })
})
ponder.on('Assets:Transfer', async ({ event, context }) => {
  if (event.args.from === zero) return
  await context.db.update(assets, { asset: event.args.tokenId }).set({ owner: event.args.to })
})
ponder.on('Assets:OperatorChanged', async ({ event, context }) => {
  await context.db.update(assets, { asset: event.args.asset }).set({ operator: event.args.operator })
})
ponder.on('Till:Deposited', async ({ event, context }) => {
  const { token: currency, to: account, amount } = event.args
  await context.db
    .insert(accounts)
    .values({ account, currency, balance: 0n, deposited: amount, withdrawn: 0n })
    .onConflictDoUpdate((row) => ({ deposited: row.deposited + amount }))
  await context.db
    .insert(currencies)
    .values({ currency, deposited: amount, withdrawn: 0n })
    .onConflictDoUpdate((row) => ({ deposited: row.deposited + amount }))
})
ponder.on('Till:Withdrawn', async ({ event, context }) => {
  const { token: currency, from: account, amount } = event.args
  await context.db
    .update(accounts, { account, currency })
    .set((row) => ({ withdrawn: row.withdrawn + amount }))
  await context.db.update(currencies, { currency }).set((row) => ({ withdrawn: row.withdrawn + amount }))
})
ponder.on('Till:Transfer', async ({ event, context }) => {
  const { sender, receiver, id, amount } = event.args
  const currency = `0x${id.toString(16).padStart(40, '0')}` as const
  if (sender !== zero) {
    await context.db
      .update(accounts, { account: sender, currency })
      .set((row) => ({ balance: row.balance - amount }))
  }
  if (receiver !== zero) {
    await context.db
      .insert(accounts)
      .values({ account: receiver, currency, balance: amount, deposited: 0n, withdrawn: 0n })
      .onConflictDoUpdate((row) => ({ balance: row.balance + amount }))
  }
})
ponder.on('Till:Paid', async ({ event, context }) => {
  const { asset, payer, epoch, amount, total } = event.args
  await context.db.insert(payments).values({
    ...{ id: event.id, asset, payer, epoch, amount, time: event.block.timestamp },
    tx: event.transaction.hash,
  })
  await context.db.update(tills, { asset }).set((row) => ({
    ...{ epoch, bucket: total, revenue: row.revenue + amount, payments: row.payments + 1 },
  }))
})
ponder.on('Till:Settled', async ({ event, context }) => {
  const { asset, epoch, boundary, fee, upstream, costs, debt, shares, owner } = event.args
  await context.db.update(tills, { asset }).set((row) => ({
    bucket: 0n,
    settledEpoch: epoch,
    settledBoundary: boundary,
    paidFee: row.paidFee + fee,
    paidUpstream: row.paidUpstream + upstream,
    paidCosts: row.paidCosts + costs,
    paidDebt: row.paidDebt + debt,
    paidShares: row.paidShares + shares,
    paidOwner: row.paidOwner + owner,
  }))
})
ponder.on('Till:RoyaltyAccrued', async ({ event, context }) => {
  await context.db.update(tills, { asset: event.args.upstream }).set({ royaltiesDue: event.args.total })
})
ponder.on('Till:RoyaltyPulled', async ({ event, context }) => {
  const { asset, epoch, amount, total } = event.args
  await context.db.update(tills, { asset }).set((row) => ({
    epoch,
    bucket: total,
    revenue: row.revenue + amount,
    royaltiesDue: row.royaltiesDue - amount,
    royaltiesPulled: row.royaltiesPulled + amount,
  }))
})
ponder.on('Till:UpstreamChanged', async ({ event, context }) => {
  const upstream = event.args.upstream.map(({ asset, bps }) => ({ asset: asset.toString(), bps }))
  await context.db.update(tills, { asset: event.args.asset }).set({ upstream })
})
ponder.on('Market:LeaseOpened', async ({ event, context }) => {
  const { lease, asset, buyer, operator, pricePerHour, deposit, bond, startBy, duration, spec, terms } =
    event.args
  await context.db.insert(leases).values({
    ...{ lease, asset, buyer, operator, pricePerHour, deposit, bond, startBy, duration, spec, terms },
    ...{ state: 1, openedAt: event.block.timestamp, openedTx: event.transaction.hash },
  })
  await context.db.update(assets, { asset }).set((row) => ({ opened: row.opened + 1 }))
})
ponder.on('Market:LeaseStarted', async ({ event, context }) => {
  const { lease, startedAt, endsAt } = event.args
  const row = await context.db.update(leases, { lease }).set({ state: 2, startedAt, endsAt })
  await context.db.update(assets, { asset: row.asset }).set((one) => ({ started: one.started + 1 }))
})
ponder.on('Market:LeaseExtended', async ({ event, context }) => {
  const { lease, added, deposit, endsAt } = event.args
  await context.db
    .update(leases, { lease })
    .set((row) => ({ duration: row.duration + added, deposit, endsAt }))
})
ponder.on('Market:LeaseStopped', async ({ event, context }) => {
  const { lease, by: stoppedBy, stoppedAt } = event.args
  const row = await context.db.update(leases, { lease }).set({ state: 3, stoppedAt, stoppedBy })
  if (stoppedBy === row.buyer) return
  const column = row.startedAt === null ? 'lapsed' : 'broken'
  await context.db.update(assets, { asset: row.asset }).set((one) => ({ [column]: one[column] + 1 }))
})
ponder.on('Market:LeaseSettled', async ({ event, context }) => {
  const { lease, earned, refunded, bondToBuyer } = event.args
  const settledAt = event.block.timestamp
  const row = await context.db
    .update(leases, { lease })
    .set({ state: 4, settledAt, earned, refunded, bondToBuyer })
  await context.db.update(assets, { asset: row.asset }).set((one) => ({
    settled: one.settled + 1,
    earned: one.earned + earned,
  }))
})
ponder.on('Market:NonceCancelled', async ({ event, context }) => {
  const { operator, nonce } = event.args
  await context.db.insert(cancellations).values({ operator, nonce }).onConflictDoNothing()
})
ponder.on('Market:SeriesCancelled', async ({ event, context }) => {
  const { operator, series: number } = event.args
  await context.db.insert(series).values({ operator, series: number }).onConflictDoUpdate({ series: number })
})
