import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runEconomy } from './economy.ts'
import { quote } from './openMarketMaker.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-agents-'))
})
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

test('default: six agents trade until the buyer has spent its budget, and every unit is accounted for', async () => {
  const { audit, ...done } = await runEconomy({ home, seconds: 10, steps: 2, budget: 20_000n })
  expect(done).toMatchObject({ pages: 8, trainings: [{ pages: 8 }] })
  expect(done.completions).toBeGreaterThan(0)
  expect(done.desk.bought).toBeGreaterThan(0)
  expect(done.desk.sold).toBeGreaterThan(0)

  expect(audit.agrees).toBe(true)
  expect(audit.agents.map(({ agent, agrees }) => [agent, agrees])).toEqual(
    ['scraper', 'trainer', 'seller', 'buyer', 'maker', 'host'].map((agent) => [agent, true]),
  )
  for (const { opening, income, spending, closing } of audit.agents)
    expect(closing).toBe(opening + income - spending)
  for (const { received, booked, left } of audit.assets) expect([booked, left]).toEqual([received, 0n])
  const closing = [...audit.agents, ...audit.others].reduce((sum, each) => sum + each.closing, 0n)
  expect([audit.owed, closing, audit.locked]).toEqual([audit.held, audit.held, 0n])
  const spent = audit.agents.find(({ agent }) => agent === 'buyer')?.spending ?? 0n
  expect(spent).toBeGreaterThan(0n)
  expect(spent).toBeLessThanOrEqual(20_000n)
})

test('behavior: a market maker bids and asks less the more it holds, and never bids above its ask', () => {
  const quotes = Array.from({ length: 41 }, (_, held) => quote(held - 5))
  quotes.reduce((before, next) => {
    expect(next.bid).toBeLessThanOrEqual(before.bid)
    expect(next.ask).toBeLessThanOrEqual(before.ask)
    return next
  })
  for (const { bid, ask } of quotes) expect(bid).toBeLessThan(ask)
})
