import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { leaseStateNames } from '../chain/LeaseState.ts'
import {
  getAccount,
  getAsset,
  getChannel,
  getLease,
  getTill,
  type IndexedAsset,
  type IndexedLease,
  listAssets,
  listChannels,
  listLeases,
  listPayments,
} from '../chain/queries.ts'
import type { LogRow, Row } from '../chain/relations.ts'
import type { Database } from '../database/Database.ts'
import { AssetNotIndexed, ChannelNotIndexed, LeaseNotIndexed } from './errors.ts'
import { mount } from './mount.ts'
import * as wire from './wire.ts'

const kinds = ['machine', 'robot', 'dataset', 'model', 'service', 'units'] as const

const limit = z.coerce.number().int().min(1).max(200).default(50).openapi({ description: 'At most 200' })
const cursor = wire.read.cursor.optional()
const addressField = wire.read.address.optional()
const assetField = wire.read.asset

const asset = z
  .object({
    asset: wire.amount,
    kind: z.enum(kinds).or(z.string()),
    owner: wire.address,
    operator: wire.address,
    device: wire.address,
    currency: wire.address,
    spec: wire.hash,
    uri: z.string(),
    registeredAt: wire.seconds,
    leases: z.object({
      opened: z.int(),
      started: z.int(),
      lapsed: z.int(),
      broken: z.int(),
      settled: z.int(),
    }),
    earned: wire.amount,
    reliability: z.number().nullable(),
  })
  .openapi('Asset')

const lease = z
  .object({
    id: wire.hash,
    state: z.enum(leaseStateNames),
    asset: wire.amount,
    buyer: wire.address,
    operator: wire.address,
    pricePerHour: wire.amount,
    deposit: wire.amount,
    bond: wire.amount,
    duration: wire.seconds,
    spec: wire.hash,
    terms: wire.hash,
    openedAt: wire.seconds,
    startBy: wire.seconds,
    startedAt: wire.seconds.nullable(),
    endsAt: wire.seconds.nullable(),
    stoppedAt: wire.seconds.nullable(),
    stoppedBy: wire.address.nullable(),
    settledAt: wire.seconds.nullable(),
    earned: wire.amount.nullable(),
    refunded: wire.amount.nullable(),
    bondToBuyer: wire.amount.nullable(),
    openedTx: wire.hash,
  })
  .openapi('Lease')

const channel = z
  .object({
    id: wire.hash,
    payer: wire.address,
    signer: wire.address,
    payee: wire.address.nullable(),
    asset: wire.amount.nullable(),
    currency: wire.address,
    closeDelay: z.int(),
    salt: wire.hash,
    epoch: z.int(),
    openedAt: wire.seconds,
    deposit: wire.amount,
    claimed: wire.amount,
    claimedEver: wire.amount,
    closesAt: wire.seconds.nullable(),
  })
  .openapi('Channel')

const payment = z.object({
  payer: wire.address,
  epoch: z.int(),
  amount: wire.amount,
  time: wire.seconds,
  tx: wire.hash,
})

const till = z
  .object({
    asset: wire.amount,
    bucket: z.object({ epoch: z.int(), amount: wire.amount }),
    revenue: wire.amount,
    payments: z.int(),
    settled: z.object({ epoch: z.int(), boundary: wire.seconds }).nullable(),
    paid: z.object({
      fee: wire.amount,
      upstream: wire.amount,
      costs: wire.amount,
      debt: wire.amount,
      shares: wire.amount,
      owner: wire.amount,
    }),
    royalties: z.object({ due: wire.amount, pulled: wire.amount }),
    upstream: z.array(z.object({ asset: wire.amount, bps: z.int() })),
    runningCosts: z.object({ perDay: wire.amount, cap: wire.amount }),
    debt: z.object({ module: wire.address, held: wire.amount }),
    shares: z.object({ module: wire.address, bps: z.int() }),
    latest: z.array(payment),
  })
  .openapi('Till')

/** Adds the routes that read the index of the chain. They answer from the last known state while the chain stalls. */
export function chainRoutes(
  app: OpenAPIHono,
  options: { readonly database: Database; readonly timeoutMs: number },
): void {
  const { database, timeoutMs } = options

  mount(
    app,
    {
      method: 'get',
      path: '/v1/assets',
      summary: 'Registered assets, by id.',
      query: z.object({ owner: addressField, operator: addressField, limit, cursor }),
      answer: z.object({ assets: z.array(asset), next: z.string().nullable() }),
      handle: async ({ query: { cursor: after, ...filter }, c }) => {
        const page = await listAssets(database, defined({ ...filter, after }))
        return c.json({ assets: page.items.map(assetJson), next: page.next?.toString() ?? null })
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/assets/{id}',
      summary: 'One asset.',
      params: z.object({ id: assetField }),
      answer: asset,
      handle: async ({ params: { id }, c }) => {
        const found = await getAsset(database, id)
        if (found === undefined) throw new AssetNotIndexed(id.toString())
        return c.json(assetJson(found))
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/leases',
      summary: 'Leases, newest first.',
      query: z.object({
        buyer: addressField,
        operator: addressField,
        asset: assetField.optional(),
        state: z.enum(leaseStateNames).optional(),
        limit,
        cursor,
      }),
      answer: z.object({ leases: z.array(lease), next: z.string().nullable() }),
      handle: async ({ query: { cursor: before, ...filter }, c }) => {
        const page = await listLeases(database, defined({ ...filter, before }))
        return c.json({ leases: page.items.map(leaseJson), next: page.next?.toString() ?? null })
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/leases/{id}',
      summary: 'One lease.',
      params: z.object({ id: wire.read.hash }),
      answer: lease,
      handle: async ({ params: { id }, c }) => {
        const found = await getLease(database, id)
        if (found === undefined) throw new LeaseNotIndexed(id)
        return c.json(leaseJson(found))
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/tills/{asset}',
      summary: 'What an asset earned, how it was split, and its latest payments.',
      params: z.object({ asset: assetField }),
      answer: till,
      handle: async ({ params, c }) => {
        const [found, payments] = await Promise.all([
          getTill(database, params.asset),
          listPayments(database, { asset: params.asset, limit: 20 }),
        ])
        if (found === undefined) throw new AssetNotIndexed(params.asset.toString())
        return c.json(tillJson(found, payments.items))
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/channels',
      summary: 'Payment channels, those opened last first. One without a deposit is closed.',
      query: z.object({
        payer: addressField,
        signer: addressField,
        payee: addressField,
        asset: assetField.optional(),
        open: z
          .enum(['true', 'false'])
          .transform((text) => text === 'true')
          .optional(),
        limit,
        cursor,
      }),
      answer: z.object({ channels: z.array(channel), next: z.string().nullable() }),
      handle: async ({ query: { cursor: before, ...filter }, c }) => {
        const page = await listChannels(database, defined({ ...filter, before }))
        return c.json({ channels: page.items.map(channelJson), next: page.next?.toString() ?? null })
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/channels/{id}',
      summary: 'One payment channel.',
      params: z.object({ id: wire.read.hash }),
      answer: channel,
      handle: async ({ params: { id }, c }) => {
        const found = await getChannel(database, id)
        if (found === undefined) throw new ChannelNotIndexed(id)
        return c.json(channelJson(found))
      },
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'get',
      path: '/v1/accounts/{address}',
      summary: 'What an account has in the till.',
      params: z.object({ address: wire.read.address }),
      answer: z.object({
        address: wire.address,
        balances: z.array(
          z.object({
            currency: wire.address,
            balance: wire.amount,
            deposited: wire.amount,
            withdrawn: wire.amount,
          }),
        ),
      }),
      handle: async ({ params: { address }, c }) => {
        const rows = await getAccount(database, address)
        return c.json({
          address: address.toLowerCase(),
          balances: rows.map(({ currency, balance, deposited, withdrawn }) => ({
            currency,
            balance: balance.toString(),
            deposited: deposited.toString(),
            withdrawn: withdrawn.toString(),
          })),
        })
      },
    },
    timeoutMs,
  )
}

function assetJson(row: IndexedAsset): z.input<typeof asset> {
  const { opened, started, lapsed, broken, settled } = row
  return {
    asset: row.asset.toString(),
    kind: kinds[row.kind] ?? String(row.kind),
    owner: row.owner,
    operator: row.operator,
    device: row.device,
    currency: row.currency,
    spec: row.spec,
    uri: row.uri,
    registeredAt: row.registered_at,
    leases: { opened, started, lapsed, broken, settled },
    earned: row.earned.toString(),
    reliability: row.reliability,
  }
}

function leaseJson(row: IndexedLease): z.input<typeof lease> {
  return {
    id: row.lease,
    state: row.state,
    asset: row.asset.toString(),
    buyer: row.buyer,
    operator: row.operator,
    pricePerHour: row.price_per_hour.toString(),
    deposit: row.deposit.toString(),
    bond: row.bond.toString(),
    duration: row.duration,
    spec: row.spec,
    terms: row.terms,
    openedAt: row.opened_at,
    startBy: row.start_by,
    startedAt: row.started_at,
    endsAt: row.ends_at,
    stoppedAt: row.stopped_at,
    stoppedBy: row.stopped_by,
    settledAt: row.settled_at,
    earned: row.earned?.toString() ?? null,
    refunded: row.refunded?.toString() ?? null,
    bondToBuyer: row.bond_to_buyer?.toString() ?? null,
    openedTx: row.opened_tx,
  }
}

function channelJson(row: Row<'channels'>): z.input<typeof channel> {
  return {
    id: row.channel,
    payer: row.payer,
    signer: row.signer,
    payee: row.asset === 0n ? row.payee : null,
    asset: row.asset === 0n ? null : row.asset.toString(),
    currency: row.currency,
    closeDelay: row.close_delay,
    salt: row.salt,
    epoch: row.epoch,
    openedAt: row.opened_at,
    deposit: row.deposit.toString(),
    claimed: row.claimed.toString(),
    claimedEver: row.claimed_ever.toString(),
    closesAt: row.closes_at,
  }
}

function tillJson(row: Row<'tills'>, payments: readonly LogRow<'payments'>[]): z.input<typeof till> {
  return {
    asset: row.asset.toString(),
    bucket: { epoch: row.epoch, amount: row.bucket.toString() },
    revenue: row.revenue.toString(),
    payments: row.payments,
    settled:
      row.settled_epoch === null || row.settled_boundary === null
        ? null
        : { epoch: row.settled_epoch, boundary: row.settled_boundary },
    paid: {
      fee: row.paid_fee.toString(),
      upstream: row.paid_upstream.toString(),
      costs: row.paid_costs.toString(),
      debt: row.paid_debt.toString(),
      shares: row.paid_shares.toString(),
      owner: row.paid_owner.toString(),
    },
    royalties: { due: row.royalties_due.toString(), pulled: row.royalties_pulled.toString() },
    upstream: upstreamSchema.parse(row.upstream),
    runningCosts: { perDay: row.costs_per_day.toString(), cap: row.costs_cap.toString() },
    debt: { module: row.debt, held: row.debt_held.toString() },
    shares: { module: row.shares, bps: row.shares_bps },
    latest: payments.map(({ payer, epoch, amount, time, tx }) => ({
      payer,
      epoch,
      amount: amount.toString(),
      time,
      tx,
    })),
  }
}

const upstreamSchema = z.array(z.object({ asset: z.coerce.string(), bps: z.number() }))

/** Without the fields that are undefined: a filter that is absent is not a filter for nothing. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
