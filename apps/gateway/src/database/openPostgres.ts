import postgres from 'postgres'
import type { Database, Parameter, Session } from './Database.ts'
import { ormOn } from './ormOn.ts'

const CONNECT_TIMEOUT_SECONDS = 10
const STATEMENT_TIMEOUT_MS = 30_000

const types = {
  bigint: {
    to: 20,
    from: [20],
    serialize: (value: bigint) => value.toString(),
    parse: (text: string) => BigInt(text),
  },
  // Parameters arrive as JSON text; the client's own serializer would quote it once more.
  json: { to: 114, from: [114], serialize: (text: string) => text, parse: JSON.parse },
  jsonb: { to: 3802, from: [3802], serialize: (text: string) => text, parse: JSON.parse },
}

type Types = { bigint: bigint; json: string; jsonb: string }
type Client = postgres.Sql<Types>

/** Opens a pool of `connections` to the Postgres server at `url`; connects with the first statement. */
export async function openPostgres(url: string, connections: number): Promise<Database> {
  const sql: Client = postgres(url, {
    max: connections,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    onnotice: () => {},
    types,
    connection: { application_name: 'millrace-gateway', statement_timeout: STATEMENT_TIMEOUT_MS },
  })
  let closing: Promise<void> | undefined
  return {
    engine: 'postgres',
    ...sessionOn(sql),
    async transaction<T>(work: (session: Session) => Promise<T>) {
      // Boxed: the client would await the elements of a returned array, and its types follow that.
      const { value } = await sql.begin(async (transaction) => ({
        value: await work(sessionOn(transaction)),
      }))
      return value
    },
    async listen(channel, heard) {
      const { unlisten } = await sql.listen(channel, heard)
      return unlisten
    },
    close() {
      closing ??= sql.end({ timeout: 5 })
      return closing
    },
  }
}

function sessionOn(sql: Client | postgres.TransactionSql<Types>): Session {
  const run = (text: string, parameters: readonly Parameter[]) =>
    sql.unsafe(text, parameters.map(toText), { prepare: true })
  return {
    async query<Row extends object>(text: string, parameters: readonly Parameter[] = []) {
      const rows: readonly object[] = await run(text, parameters)
      return [...rows] as Row[]
    },
    async exec(text) {
      await sql.unsafe(text).simple()
    },
    orm: ormOn(async (text, parameters, values) => [
      ...(values ? await run(text, parameters).values() : await run(text, parameters)),
    ]),
  }
}

/** Text for all that the client would guess a type for, or encode twice: then the server says what it is. */
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
