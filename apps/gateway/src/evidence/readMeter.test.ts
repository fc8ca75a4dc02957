import { checkMeter } from '@millrace/risk/fraud'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import { readMeter } from './readMeter.ts'

const device = `0x${'Dd'.repeat(20)}`
const of = { asset: 7n, device, from: 1_000, to: 2_000 }
let database: Database

beforeAll(async () => {
  database = await openDatabase({ memory: true })
})
afterAll(() => database.close())

/** A settled lease of an asset. */
const lease = (id: string, asset: number, settled: { at: number; earned: number; perHour: number }) =>
  database.query(
    `insert into chain.leases (lease, seq, state, asset, buyer, operator, price_per_hour, deposit, bond, duration, spec, terms,
       opened_at, start_by, settled_at, earned, opened_tx)
     values ($1, 1, 4, $2, '', '', $3, 0, 0, 0, '', '', 0, 0, $4, $5, '')`,
    [id, asset, settled.perHour, settled.at, settled.earned],
  )

test('default: an asset that nothing is known of has no reading', async () => {
  const { reading, leases, challenges } = await readMeter(database, of)
  expect({ leases, challenges }).toEqual({ leases: 0, challenges: null })
  expect(checkMeter(reading)).toMatchObject({
    supported: 1,
    unread: ['receipts', 'capacity', 'challenges', 'energy'],
  })
})

test('default: seconds that were sold in the period, and challenges of the device since it began', async () => {
  await lease('before', 7, { at: 999, earned: 3_600, perHour: 3_600 })
  await lease('first', 7, { at: 1_000, earned: 1_800, perHour: 3_600 })
  await lease('second', 7, { at: 1_999, earned: 500, perHour: 1_800 })
  await lease('after', 7, { at: 2_000, earned: 3_600, perHour: 3_600 })
  await lease('of another', 8, { at: 1_500, earned: 3_600, perHour: 3_600 })
  await lease('lapsed', 7, { at: 1_500, earned: 0, perHour: 3_600 })
  for (const [spec, at, verified] of [
    ['a', 1_500, true],
    ['b', 1_600, false],
    ['c', 900, false],
  ] as const)
    await database.query('insert into challenges values ($1, $2, $3, 0, $4, $5)', [
      ...[device.toLowerCase(), spec, at, verified, '{}'],
    ])
  const { reading, leases, challenges } = await readMeter(database, of)
  expect({ leases, challenges }).toEqual({ leases: 2, challenges: { passed: 1, asked: 2 } })
  expect(reading).toMatchObject({ paidSeconds: 2_800, paid: 2_300n, challengesPassed: 0.5 })
  expect(checkMeter(reading)).toMatchObject({
    supported: 0.5,
    limits: [{ by: 'challenges' }],
    unread: ['receipts', 'capacity', 'energy'],
  })
})
