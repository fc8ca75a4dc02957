import { index, onchainTable, primaryKey } from 'ponder'

/** The tables of the gateway's `migrations/0002_index.sql`, in Ponder's words. */
export const assets = onchainTable('assets', (t) => ({
  asset: t.bigint().primaryKey(),
  owner: t.hex().notNull(),
  operator: t.hex().notNull(),
  kind: t.integer().notNull(),
  device: t.hex().notNull(),
  currency: t.hex().notNull(),
  spec: t.hex().notNull(),
  uri: t.text().notNull(),
  registeredAt: t.bigint().notNull(),
  opened: t.integer().notNull(),
  started: t.integer().notNull(),
  lapsed: t.integer().notNull(),
  broken: t.integer().notNull(),
  settled: t.integer().notNull(),
  earned: t.bigint().notNull(),
}))

export const leases = onchainTable(
  'leases',
  (t) => ({
    lease: t.hex().primaryKey(),
    state: t.integer().notNull(),
    asset: t.bigint().notNull(),
    buyer: t.hex().notNull(),
    operator: t.hex().notNull(),
    pricePerHour: t.bigint().notNull(),
    deposit: t.bigint().notNull(),
    bond: t.bigint().notNull(),
    duration: t.integer().notNull(),
    spec: t.hex().notNull(),
    terms: t.hex().notNull(),
    openedAt: t.bigint().notNull(),
    startBy: t.integer().notNull(),
    startedAt: t.integer(),
    endsAt: t.integer(),
    stoppedAt: t.integer(),
    stoppedBy: t.hex(),
    settledAt: t.bigint(),
    earned: t.bigint(),
    refunded: t.bigint(),
    bondToBuyer: t.bigint(),
    openedTx: t.hex().notNull(),
  }),
  (table) => ({
    buyer: index().on(table.buyer),
    operator: index().on(table.operator),
    asset: index().on(table.asset),
  }),
)

export const tills = onchainTable('tills', (t) => ({
  asset: t.bigint().primaryKey(),
  epoch: t.integer().notNull(),
  bucket: t.bigint().notNull(),
  revenue: t.bigint().notNull(),
  payments: t.integer().notNull(),
  settledEpoch: t.integer(),
  settledBoundary: t.integer(),
  paidFee: t.bigint().notNull(),
  paidUpstream: t.bigint().notNull(),
  paidCosts: t.bigint().notNull(),
  paidDebt: t.bigint().notNull(),
  paidShares: t.bigint().notNull(),
  paidOwner: t.bigint().notNull(),
  royaltiesDue: t.bigint().notNull(),
  royaltiesPulled: t.bigint().notNull(),
  upstream: t.json().notNull(),
}))

export const accounts = onchainTable(
  'accounts',
  (t) => ({
    account: t.hex().notNull(),
    currency: t.hex().notNull(),
    balance: t.bigint().notNull(),
    deposited: t.bigint().notNull(),
    withdrawn: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.account, table.currency] }) }),
)

export const currencies = onchainTable('currencies', (t) => ({
  currency: t.hex().primaryKey(),
  deposited: t.bigint().notNull(),
  withdrawn: t.bigint().notNull(),
}))

export const payments = onchainTable(
  'payments',
  (t) => ({
    id: t.text().primaryKey(),
    asset: t.bigint().notNull(),
    payer: t.hex().notNull(),
    epoch: t.integer().notNull(),
    amount: t.bigint().notNull(),
    time: t.bigint().notNull(),
    tx: t.hex().notNull(),
  }),
  (table) => ({ asset: index().on(table.asset) }),
)

export const cancellations = onchainTable(
  'cancellations',
  (t) => ({ operator: t.hex().notNull(), nonce: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.operator, table.nonce] }) }),
)

export const series = onchainTable('series', (t) => ({
  operator: t.hex().primaryKey(),
  series: t.bigint().notNull(),
}))
