import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import type { Database } from './Database.ts'
import { openDatabase } from './openDatabase.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

describe.each(['pglite', 'postgres'] as const)('%s', (engine) => {
  let database: Database

  beforeAll(async () => {
    database = await openDatabase(
      engine === 'pglite' ? { memory: true } : { url: await server.createDatabase() },
    )
    await database.exec('create table things (id int8 primary key, big numeric(78, 0), doc jsonb, raw bytea)')
  })
  afterAll(() => database.close())

  test('default', async () => {
    expect(database.engine).toBe(engine)
    const big = 2n ** 255n
    await database.query('insert into things values ($1, $2, $3, $4)', [
      2n ** 60n,
      big,
      { a: [1, 'x'] },
      Buffer.from([0, 255]),
    ])
    const rows = await database.query<{ raw: Uint8Array }>('select * from things')
    expect(rows).toMatchObject([{ id: 2n ** 60n, big: big.toString(), doc: { a: [1, 'x'] } }])
    expect([...(rows[0]?.raw ?? [])]).toEqual([0, 255])
  })

  test('behavior: arrays of every type reach unnest', async () => {
    const rows = await database.query(
      'select * from unnest($1::int8[], $2::text[], $3::bool[], $4::numeric[], $5::bytea[]) as t(a, b, c, d, e)',
      [
        [1n, 2n ** 62n],
        ['x', 'a "q" \\ , {b}'],
        [true, false],
        [2n ** 200n, 0n],
        [Buffer.from('hi'), null],
      ],
    )
    expect(
      rows.map((row) => ({ ...row, e: row.e === null ? null : Buffer.from(row.e as Uint8Array) })),
    ).toEqual([
      { a: 1n, b: 'x', c: true, d: (2n ** 200n).toString(), e: Buffer.from('hi') },
      { a: 2n ** 62n, b: 'a "q" \\ , {b}', c: false, d: '0', e: null },
    ])
  })

  test('behavior: a rejected transaction leaves nothing', async () => {
    const work = database.transaction(async (session) => {
      await session.query('insert into things (id) values (7)')
      expect(await session.query('select id from things where id = 7')).toHaveLength(1)
      await session.query('select 1 / 0')
    })
    await expect(work).rejects.toMatchObject({ code: '22012' })
    expect(await database.query('select id from things where id = 7')).toEqual([])
  })

  test('behavior: a transaction answers what its work returned, arrays included', async () => {
    expect(await database.transaction(async (session) => session.query('select 1 as one'))).toEqual([
      { one: 1 },
    ])
  })

  test('behavior: drizzle runs on the same session', async () => {
    const rows = await database.orm.execute<{ two: number }>(sql`select ${2}::int as two`)
    expect(rows).toEqual([{ two: 2 }])
  })

  test('behavior: notifications reach every listener until it stops', async () => {
    const heard: string[] = []
    let arrived = () => {}
    const first = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const stop = await database.listen('news', (payload) => {
      heard.push(payload)
      arrived()
    })
    await database.query("select pg_notify('news', 'one')")
    await first
    await stop()
    await database.query("select pg_notify('news', 'two')")
    expect(heard).toEqual(['one'])
  })
})

test('behavior: the embedded database keeps its data and its folder to itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-database-'))
  const dataDir = join(folder, 'db')
  try {
    const first = await openDatabase({ dataDir })
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
    await first.query("insert into peer_cursors values ('http://a', 3)")
    await first.close()
    const second = await openDatabase({ dataDir })
    expect(await second.query('select * from peer_cursors')).toEqual([{ url: 'http://a', since: 3n }])
    await second.close()
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  }
})

describe('error: migrations', () => {
  test('MigrationChanged', async () => {
    const url = await server.createDatabase()
    const database = await openDatabase({ url })
    await database.query("update migrations set hash = 'x' where name like '0001%'")
    await database.close()
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'MIGRATION_CHANGED' })
  })

  test('MigrationUnknown', async () => {
    const url = await server.createDatabase()
    const database = await openDatabase({ url })
    await database.query("insert into migrations (name, hash) values ('9999_future.sql', 'x')")
    await database.close()
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' })
  })

  test('behavior: two gateways that start at once migrate once', async () => {
    const url = await server.createDatabase()
    const both = await Promise.all([openDatabase({ url }), openDatabase({ url })])
    await Promise.all(both.map((database) => database.close()))
  })
})
