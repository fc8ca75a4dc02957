import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import { plantWash } from '@millrace/risk/fraud'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import { type Ledgers, openLedgers } from '../evidence/openLedgers.ts'
import { evidenceRoutes } from './evidenceRoutes.ts'

/** A planted ledger in the tables of the index, and the route before it. */
const { transfers, question } = plantWash({ seed: 7, scheme: 'fan-in', share: 0.5 })
const currency = `0x${'cc'.repeat(20)}`
const addresses = new Map<string, string>()
const accountOf = (name: string) => {
  const known = addresses.get(name) ?? `0x${(addresses.size + 1).toString(16).padStart(40, '0')}`
  addresses.set(name, known)
  return name === question.asset ? 'asset 7' : known
}
let database: Database
let ledgers: Ledgers
let server: Server
let url: string

beforeAll(async () => {
  database = await openDatabase({ memory: true })
  const end = transfers.at(-1)?.time ?? 0
  const [owner = '', operator = ''] = question.related.map(accountOf)
  await database.query(
    `insert into chain.assets values (7, $1, $2, 0, $3, $4, '0x', '', 1, 0, 0, 0, 0, 0, 0)`,
    [owner, operator, `0x${'dd'.repeat(20)}`, currency],
  )
  await database.query(`insert into chain.head values (true, 'planted', $1, '0x', $2, 0)`, [
    transfers.length,
    end,
  ])
  for (let at = 0; at < transfers.length; at += 500) {
    const page = transfers.slice(at, at + 500)
    const rows = page.map(({ from, to, amount, time }, index) => [
      String(BigInt(at + index + 1) << 20n),
      ...[accountOf(from), accountOf(to), amount.toString(), String(time)],
    ])
    const columns = [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column] ?? ''))
    await database.query(
      `insert into chain.moves select seq::bigint, 0, sender, receiver, $6, amount::numeric, time::bigint
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as t (seq, sender, receiver, amount, time)`,
      [...columns, currency],
    )
  }
  ledgers = openLedgers(database, { held: [], decimalsOf: () => 6 })
  const app = new OpenAPIHono()
  evidenceRoutes(app, { database, ledgers, timeoutMs: 120_000, charge: () => {} })
  app.get('/ping', (c) => c.json({ pong: true }))
  server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await ledgers?.close()
  await new Promise((resolve) => server?.close(resolve))
  await database?.close()
})

test('behavior: while revenue is examined, others are answered', async () => {
  const period = `from=${question.from}&to=${question.to}`
  const evidence = (more: string) => ask(url, `/v1/assets/7/evidence?${period}${more}`)
  expect((await evidence('')).body.findings.length).toBeGreaterThan(1)
  // Each with another related account, so that nothing found before helps.
  const others = [...addresses.values()].slice(-8)
  const order: string[] = []
  const examined = others.map(async (account) => {
    const { status } = await evidence(`&related=${account}`)
    expect(status).toBe(200)
    order.push('examined')
  })
  for (let count = 0; count < 20; count++) {
    await ask(url, '/ping')
    order.push('answered')
  }
  await Promise.all(examined)
  // One after another, twenty others had their answer before the last examination was over.
  expect(order.at(-1)).toBe('examined')
  expect(order.lastIndexOf('answered')).toBeLessThan(order.length - 1)
})
