import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { homePaths } from '../home/homePaths.ts'
import { OrderExistsError } from './errors.ts'
import { createOrder, dropOrder, type OrderTerms, openOrder } from './order.ts'

const home = mkdtempSync(join(tmpdir(), 'millrace-order-'))
const paths = homePaths(home)
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const terms = (name: string): OrderTerms => ({
  type: 'planned',
  at: 1,
  lease: `0x${'ab'.repeat(32)}`,
  network: 'local',
  wallet: 'main',
  buyer: `0x${'11'.repeat(20)}`,
  published: {},
  currency: { address: `0x${'22'.repeat(20)}`, symbol: 'USD', decimals: 6 },
  duration: 60,
  maxCost: '10',
  job: {
    version: 1,
    name,
    run: 'true',
    envs: {},
    outputs: [],
    resources: { cpus: 1, memoryMiB: 64, diskMiB: 64, gpus: 0, network: 'none' },
  },
  bundle: null,
  outputDir: '/out',
})

test('error: a second job does not get the order of the first', () => {
  const first = createOrder(paths, terms('first'))
  expect(() => createOrder(paths, terms('second'))).toThrow(OrderExistsError)
  expect(first.state.terms.job.name).toBe('first')
  first.close()
})

test('behavior: dropped before its lease is about to be opened, the offer is free again; later it is kept', () => {
  const first = createOrder(paths, terms('first'))
  first.close()
  dropOrder(first)
  const second = createOrder(paths, terms('second'))
  second.note({ type: 'opening', at: 2 })
  second.close()
  dropOrder(second)
  const kept = openOrder(paths, second.lease)
  expect(kept.state.terms.job.name).toBe('second')
  kept.close()
})

test('behavior: what a killed process planned and did not pay is taken over, whole; what it was about to pay is not', () => {
  const first = createOrder(paths, terms('first'))
  writeFileSync(first.file('log'), 'of the first')
  first.close()
  // As after a kill: the process that is named there is gone.
  const dead = () =>
    writeFileSync(join(first.folder, 'order.pid'), JSON.stringify({ pid: 2 ** 30, started: '1' }))
  dead()
  const second = createOrder(paths, terms('second'))
  expect(second.state.terms.job.name).toBe('second')
  expect(existsSync(second.file('log'))).toBe(false)
  // It lives, and so it keeps what it has.
  expect(() => createOrder(paths, terms('third'))).toThrow(OrderExistsError)
  second.note({ type: 'opening', at: 2 })
  second.close()
  dead()
  expect(() => createOrder(paths, terms('third'))).toThrow(OrderExistsError)
})

test('behavior: a folder that was made and never said whose it is, is taken over after a while', () => {
  const folder = join(paths.leases, terms('x').lease)
  mkdirSync(folder, { recursive: true })
  expect(() => createOrder(paths, terms('first'))).toThrow(OrderExistsError)
  const before = new Date(Date.now() - 120_000)
  utimesSync(folder, before, before)
  const order = createOrder(paths, terms('first'))
  expect(order.state.terms.job.name).toBe('first')
  order.close()
})
