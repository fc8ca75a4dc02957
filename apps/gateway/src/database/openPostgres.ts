import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Database, Parameter, Session } from './Database.ts'
import { DatabaseUnavailable } from './errors.ts'
import { listenOn } from './listenOn.ts'
import { ormOn } from './ormOn.ts'

const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000
/** The server ends a statement first; this is for a server that has gone silent. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000
const CLOSE_PATIENCE_MS = 5_000

const { builtins } = pg.types
/** Arrays of int8; the driver has no name for them. */
const INT8_ARRAY: number = 1016
const textOfArray = pg.types.getTypeParser(INT8_ARRAY)

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === builtins.INT8) return BigInt
    if (oid === INT8_ARRAY) return (text: string) => bigintsOf(textOfArray(text))
    return pg.types.getTypeParser(oid, format as 'text')
  },
}

/** Opens a pool of `connections` to the Postgres server at `url`; connects with the first statement. */
export async function openPostgres(url: string, connections: number): Promise<Database> {
  const settings: pg.ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    application_name: 'millrace-gateway',
    keepAlive: true,
    types,
  }
  const pool = new pg.Pool({ ...settings, max: connections })
  // An idle connection that is lost: the pool has dropped it already, and the next statement opens another.
  pool.on('error', () => {})
  const lent = new Set<pg.PoolClient>()
  let closing: Promise<void> | undefined

  /** Lends a connection to `work`; one that failed by itself is not used again. */
  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw faultOf(error)
    }
    client.on('error', ignore)
    lent.add(client)
    let broken = false
    try {
      return await work(client)
    } catch (error) {
      const fault = faultOf(error)
      broken = fault instanceof DatabaseUnavailable
      throw fault
    } finally {
      lent.delete(client)
      client.off('error', ignore)
      client.release(broken)
    }
  }

  return {
    engine: 'postgres',
    ...sessionOn((work) => withClient(work)),
    transaction: (work) =>
      withClient(async (client) => {
        await client.query('begin')
        try {
          const value = await work(sessionOn((use) => use(client)))
          await client.query('commit')
          return value
        } catch (error) {
          // Its own failure means that the connection is gone, and with it the transaction: the first error says more.
          await client.query('rollback').catch(() => client.end())
          throw error
        }
      }),
    listen: (channel, heard) => listenOn(settings, channel, heard),
    close() {
      closing ??= (async () => {
        const impatient = setTimeout(() => {
          for (const client of lent) client.end()
        }, CLOSE_PATIENCE_MS)
        await pool.end()
        clearTimeout(impatient)
      })()
      return closing
    },
  }
}

function sessionOn(withClient: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>): Session {
  return {
    query: <Row extends object>(text: string, parameters: readonly Parameter[] = []) =>
      withClient(async (client) => {
        const { rows } = await client.query<Row>({ ...statement(text, parameters) })
        return rows
      }),
    exec: (text) =>
      withClient(async (client) => {
        await client.query(text)
      }),
    orm: ormOn((text, parameters, values) =>
      withClient(async (client) => {
        const query = statement(text, parameters)
        const { rows } = await (values
          ? client.query<unknown[]>({ ...query, rowMode: 'array' })
          : client.query(query))
        return rows
      }),
    ),
  }
}

/** Prepared under a name that its text decides, so that every connection plans a statement once. */
function statement(text: string, parameters: readonly Parameter[]): pg.QueryConfig {
  const name = createHash('sha256').update(text).digest('base64url')
  return { name, text, values: parameters.map(toText) }
}

/** What the server said keeps its SQLSTATE; whatever else the driver throws is a connection that failed. */
function faultOf(error: unknown): unknown {
  if (error instanceof pg.DatabaseError || !(error instanceof Error)) return error
  const fromSystem = 'errno' in error || error instanceof AggregateError
  return error.constructor === Error || fromSystem ? new DatabaseUnavailable(error) : error
}

function ignore(): void {}

function bigintsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bigintsOf)
  return value === null ? null : BigInt(String(value))
}

/** Text for all that the driver would guess a type for, or encode twice: then the server says what it is. */
function toText(parameter: Parameter): string | number | boolean | null | Uint8Array {
  if (Array.isArray(parameter)) return `{${parameter.map(elementToText).join(',')}}`
  if (typeof parameter === 'bigint') return parameter.toString()
  if (parameter instanceof Uint8Array || parameter === null || typeof parameter !== 'object') return parameter
  return JSON.stringify(parameter)
}

function elementToText(element: string | number | bigint | boolean | null | Uint8Array): string {
  if (element === null) return 'null'
  const text = element instanceof Uint8Array ? `\\x${Buffer.from(element).toString('hex')}` : String(element)
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
