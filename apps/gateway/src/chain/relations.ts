/** How a column's values look in JavaScript and in SQL. */
export type Kind = 'integer' | 'bigint' | 'money' | 'text' | 'json'

/** One column of a relation. */
export interface Column {
  readonly name: string
  readonly kind: Kind
  readonly nullable?: true
}

/** A table of the schema `chain` whose rows events change. The journal can undo changes to it. */
export interface Relation {
  readonly name: string
  readonly key: readonly string[]
  readonly columns: readonly Column[]
}

type Value<K extends Kind> = {
  integer: number
  bigint: bigint
  money: bigint
  text: string
  json: readonly unknown[]
}[K]

/** The row type of a relation. */
export type RowOf<R extends Relation> = {
  [C in R['columns'][number] as C['name']]: C extends { nullable: true }
    ? Value<C['kind']> | null
    : Value<C['kind']>
}

function columns<const K extends Kind, const N extends string>(kind: K, ...names: N[]) {
  return names.map((name) => ({ name, kind })) as readonly { readonly name: N; readonly kind: K }[]
}

function optional<const K extends Kind, const N extends string>(kind: K, ...names: N[]) {
  return names.map((name) => ({ name, kind, nullable: true })) as readonly {
    readonly name: N
    readonly kind: K
    readonly nullable: true
  }[]
}

/** Every relation that events change row by row. Times are Unix seconds, money is in base units. */
export const relations = {
  assets: {
    name: 'assets',
    key: ['asset'],
    columns: [
      ...columns('bigint', 'asset'),
      ...columns('text', 'owner', 'operator', 'device', 'currency', 'spec', 'uri'),
      ...columns('integer', 'kind', 'registered_at', 'opened', 'started', 'lapsed', 'broken', 'settled'),
      ...columns('money', 'earned'),
    ],
  },
  leases: {
    name: 'leases',
    key: ['lease'],
    columns: [
      ...columns('text', 'lease', 'buyer', 'operator', 'spec', 'terms', 'opened_tx'),
      ...columns('bigint', 'seq', 'asset'),
      ...columns('integer', 'state', 'duration', 'opened_at', 'start_by'),
      ...columns('money', 'price_per_hour', 'deposit', 'bond'),
      ...optional('integer', 'started_at', 'ends_at', 'stopped_at', 'settled_at'),
      ...optional('text', 'stopped_by'),
      ...optional('money', 'earned', 'refunded', 'bond_to_buyer'),
    ],
  },
  tills: {
    name: 'tills',
    key: ['asset'],
    columns: [
      ...columns('bigint', 'asset'),
      ...columns('integer', 'epoch', 'payments', 'shares_bps'),
      ...columns('money', 'bucket', 'revenue', 'costs_per_day', 'costs_cap', 'debt_held'),
      ...columns(
        'money',
        'paid_fee',
        'paid_upstream',
        'paid_costs',
        'paid_debt',
        'paid_shares',
        'paid_owner',
      ),
      ...columns('money', 'royalties_due', 'royalties_pulled'),
      ...optional('integer', 'settled_epoch', 'settled_boundary'),
      ...columns('text', 'debt', 'shares'),
      ...columns('json', 'upstream'),
    ],
  },
  accounts: {
    name: 'accounts',
    key: ['account', 'currency'],
    columns: [
      ...columns('text', 'account', 'currency'),
      ...columns('money', 'balance', 'deposited', 'withdrawn'),
    ],
  },
  currencies: {
    name: 'currencies',
    key: ['currency'],
    columns: [...columns('text', 'currency'), ...columns('money', 'deposited', 'withdrawn')],
  },
  channels: {
    name: 'channels',
    key: ['channel'],
    columns: [
      ...columns('text', 'channel', 'payer', 'signer', 'payee', 'currency', 'salt'),
      ...columns('bigint', 'seq', 'asset'),
      ...columns('integer', 'close_delay', 'epoch', 'opened_at'),
      ...columns('money', 'deposit', 'claimed', 'claimed_ever'),
      ...optional('integer', 'closes_at'),
    ],
  },
  series: {
    name: 'series',
    key: ['operator'],
    columns: [...columns('text', 'operator'), ...columns('money', 'series')],
  },
} as const satisfies Record<string, Relation>

/** Relations whose rows are only ever added; undone by `seq`. */
export const logs = {
  payments: {
    name: 'payments',
    key: ['seq'],
    columns: [
      ...columns('bigint', 'seq', 'asset'),
      ...columns('text', 'payer', 'tx'),
      ...columns('integer', 'epoch', 'time'),
      ...columns('money', 'amount'),
    ],
  },
  moves: {
    name: 'moves',
    key: ['seq', 'part'],
    columns: [
      ...columns('bigint', 'seq'),
      ...columns('integer', 'part', 'time'),
      ...columns('text', 'sender', 'receiver', 'currency'),
      ...columns('money', 'amount'),
    ],
  },
  cancellations: {
    name: 'cancellations',
    key: ['operator', 'nonce'],
    columns: [...columns('text', 'operator'), ...columns('money', 'nonce'), ...columns('bigint', 'seq')],
  },
} as const satisfies Record<string, Relation>

/** Name of a relation that events change. */
export type RelationName = keyof typeof relations
/** Name of a relation that events add to. */
export type LogName = keyof typeof logs

/** A row of the relation `N`. */
export type Row<N extends RelationName> = RowOf<(typeof relations)[N]>
/** A row of the log `N`. */
export type LogRow<N extends LogName> = RowOf<(typeof logs)[N]>

/** What identifies a row in memory and in the journal: its key columns joined by `:`. */
export function keyOf(relation: Relation, row: Readonly<Record<string, unknown>>): string {
  return relation.key.length === 1
    ? String(row[relation.key[0] ?? ''])
    : relation.key.map((column) => String(row[column])).join(':')
}
