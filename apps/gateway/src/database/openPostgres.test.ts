import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import { startValve } from '../../test/startValve.ts'
import { databaseFault } from './databaseFault.ts'
import { openPostgres } from './openPostgres.ts'

const ROUNDS = 12

let server: TestPostgres

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

test('behavior: a way to the server that breaks under load fails what was running and nothing else', async () => {
  const way = await startValve(server.url.replace('postgres://millrace@', 'http://'))
  const url = (await server.createDatabase()).replace(/:\d+\//, `:${new URL(way.url).port}/`)
  const database = await openPostgres(url, 4)
  const heard: string[] = []
  const faults: unknown[] = []
  const notFaults: unknown[] = []
  let working = true
  const write = async () => {
    while (working) {
      try {
        await database.transaction(async (session) => {
          await session.query('insert into blobs values ($1)', ['x'.repeat(200_000)])
          await session.query('insert into blobs values ($1)', ['y'])
        })
      } catch (error) {
        const fault = databaseFault(error)
        if (fault) faults.push(fault)
        else notFaults.push(error)
      }
    }
  }
  try {
    await database.exec('create table blobs (text text)')
    const stop = await database.listen('news', (payload) => heard.push(payload))
    const writers = [write(), write(), write(), write(), write()]
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10 + 7 * round))
      const before = faults.length
      way.cut()
      await eventually(async () => expect(faults.length).toBeGreaterThan(before))
      way.open()
    }
    working = false
    await Promise.all(writers)
    expect(notFaults).toEqual([])
    const counts = await database.query(
      "select (select count(*) from blobs where text = 'y') as small, (select count(*) from blobs where text <> 'y') as large",
    )
    expect(counts[0]?.small).toBe(counts[0]?.large)
    await eventually(async () => {
      await database.query("select pg_notify('news', 'back')")
      expect(heard).toContain('back')
    })
    await stop()
  } finally {
    working = false
    await database.close()
    await way.stop()
  }
})
