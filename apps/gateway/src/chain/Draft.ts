import { RowNotLoaded } from './errors.ts'
import { keyOf, type LogName, type LogRow, type RelationName, type Row, relations } from './relations.ts'

/** What a row was before a block changed it. */
export interface Before {
  readonly block: number
  readonly relation: RelationName
  readonly key: string
  readonly row: Readonly<Record<string, unknown>> | null
}

/** Rows that a batch of events reads and changes, in memory. Rows are replaced, never altered, so an old one is its own backup. */
export interface Draft {
  /** The row, or null where there is none. @throws RowNotLoaded when nobody asked the database for it */
  get<N extends RelationName>(relation: N, key: string): Row<N> | null
  has(relation: RelationName, key: string): boolean
  /** Puts what the database has for a key; null for nothing. */
  load<N extends RelationName>(relation: N, key: string, row: Row<N> | null): void
  put<N extends RelationName>(relation: N, row: Row<N>): void
  add<N extends LogName>(log: N, row: LogRow<N>): void
  /** Changes from here on belong to `block`. */
  enter(block: number): void
  /** Rows that changed, as they are now. */
  changed<N extends RelationName>(relation: N): Row<N>[]
  added<N extends LogName>(log: N): readonly LogRow<N>[]
  /** For each block and row it changed first: what the row was. Empty without `journal`. */
  readonly before: readonly Before[]
}

type Rows = { readonly [N in RelationName]: Map<string, Row<N> | null> }
type Added = { readonly [N in LogName]: LogRow<N>[] }

/** Starts an empty draft. With `journal` it keeps what each block replaced. */
export function createDraft(options: { readonly journal: boolean }): Draft {
  const rows: Rows = {
    assets: new Map(),
    leases: new Map(),
    tills: new Map(),
    accounts: new Map(),
    currencies: new Map(),
    channels: new Map(),
    series: new Map(),
  }
  const dirty = new Map<RelationName, Set<string>>()
  const added: Added = { payments: [], moves: [], cancellations: [] }
  const before: Before[] = []
  let block = 0
  let seen = new Set<string>()

  // Keyed by name, each map holds rows of that name only; the compiler cannot follow this through a type parameter.
  const mapOf = <N extends RelationName>(relation: N) =>
    rows[relation] as Map<string, Row<RelationName> | null> as Map<string, Row<N> | null>

  return {
    before,
    get(relation, key) {
      const row = mapOf(relation).get(key)
      if (row === undefined) throw new RowNotLoaded(relation, key)
      return row
    },
    has: (relation, key) => rows[relation].has(key),
    load(relation, key, row) {
      mapOf(relation).set(key, row)
    },
    put(relation, row) {
      const key = keyOf(relations[relation], row)
      const name = `${relation}:${key}`
      if (options.journal && !seen.has(name)) {
        seen.add(name)
        before.push({ block, relation, key, row: mapOf(relation).get(key) ?? null })
      }
      mapOf(relation).set(key, row)
      const keys = dirty.get(relation)
      if (keys === undefined) dirty.set(relation, new Set([key]))
      else keys.add(key)
    },
    add(log, row) {
      const list: LogRow<typeof log>[] = added[log]
      list.push(row)
    },
    enter(next) {
      if (next === block) return
      block = next
      seen = new Set()
    },
    changed(relation) {
      const all = mapOf(relation)
      return [...(dirty.get(relation) ?? [])].flatMap((key) => all.get(key) ?? [])
    },
    added: (log) => added[log],
  }
}
