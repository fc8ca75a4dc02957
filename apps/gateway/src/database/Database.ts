import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'

/** What a statement parameter may be. Objects are JSON; arrays are Postgres arrays; `bigint` is exact. */
export type Parameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | { readonly [key: string]: unknown }
  | readonly (string | number | bigint | boolean | null | Uint8Array)[]

/** Something that runs statements: the database, or one transaction of it. */
export interface Session {
  /**
   * Runs one statement. Rows come back with `bigint` for int8, `string` for numeric, parsed values for JSON.
   * @throws the engine's own error, with its SQLSTATE in `code`
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    parameters?: readonly Parameter[],
  ): Promise<Row[]>
  /** Runs any number of statements without parameters. */
  exec(text: string): Promise<void>
  /** Drizzle on this session. */
  readonly orm: PgRemoteDatabase
}

/** An open database: embedded PGlite or a Postgres server behind the same face. */
export interface Database extends Session {
  readonly engine: 'pglite' | 'postgres'
  /**
   * Runs `work` in one transaction; its rejection rolls back. Inside, use only the session given:
   * the embedded engine has one connection, so the outer handle would wait for itself.
   */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** Calls `heard` for each notification on `channel`, this gateway's own included. Returns how to stop. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>
  /** Waits for running work and closes. Safe to call twice. */
  close(): Promise<void>
}
