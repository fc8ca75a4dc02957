import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MillraceError } from '@millrace/sdk'
import { expect, test } from 'vitest'
import { databaseFault } from '../database/databaseFault.ts'
import * as database from '../database/errors.ts'
import * as http from '../http/errors.ts'
import { toFault } from '../http/toFault.ts'
import * as offers from '../offers/errors.ts'
import * as peers from '../peers/errors.ts'
import { UsageWrong } from './UsageWrong.ts'

const source = fileURLToPath(new URL('..', import.meta.url))
const classes = Object.values({ ...database, ...http, ...offers, ...peers, UsageWrong })

test('default: every fault has a code of its own, and some test names it', () => {
  const codes = classes.map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  const tests = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => readFileSync(join(source, path), 'utf8'))
    .join('\n')
  for (const code of codes) expect(tests, code).toMatch(new RegExp(`['"\`]${code}['"\`]`))
})

test('behavior: what was not thrown on purpose says no more than its number', () => {
  const answer = toFault(new RangeError('secret 0x12'), 'r-7')
  expect(answer).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } })
  expect(JSON.stringify(answer.body)).toContain('r-7')
  expect(JSON.stringify(answer.body)).not.toContain('secret')
})

test('behavior: details with bigints travel as text', () => {
  const { body } = toFault(new offers.AssetUnknown('7'), '')
  expect(body.error).toMatchObject({ code: 'ASSET_UNKNOWN', details: { asset: '7' } })
  const { body: other } = toFault(
    new MillraceError({ code: 'X', message: 'x', details: { n: 2n ** 70n } }),
    '',
  )
  expect(other.error.details).toEqual({ n: (2n ** 70n).toString() })
})

test('behavior: which errors of the database mean that it is not in order', () => {
  const coded = (code: string) => Object.assign(new RangeError('x'), { code })
  for (const code of ['53100', '53300', '08006', '57P01', '58030', '25006', 'XX001', 'ECONNREFUSED', 'EPIPE'])
    expect(databaseFault(coded(code)), code).toBeInstanceOf(database.DatabaseUnavailable)
  const unavailable = new database.DatabaseUnavailable(new RangeError('cut'))
  expect(databaseFault(unavailable)).toBe(unavailable)
  for (const code of ['23505', '42601', '22012', 'RATE'])
    expect(databaseFault(coded(code)), code).toBeUndefined()
  expect(databaseFault(new RangeError('query failed', { cause: coded('53100') }))).toBeDefined()
})

test('error: those that only a race, a slow machine or a clock brings about', () => {
  expect(new http.RequestTimedOut(5)).toMatchObject({ code: 'REQUEST_TIMEOUT', status: 504, retryable: true })
  expect(new http.SearchLoading(5)).toMatchObject({ code: 'SEARCH_LOADING', status: 503, retryable: true })
  expect(new offers.WithdrawalMistimed(9, 5)).toMatchObject({
    code: 'WITHDRAWAL_MISTIMED',
    details: { at: 9, now: 5 },
  })
  expect(new UsageWrong('no --rpc')).toMatchObject({ code: 'USAGE_WRONG' })
  expect(new offers.ChainUnavailable(null)).toMatchObject({ code: 'CHAIN_UNAVAILABLE', retryable: true })
})
