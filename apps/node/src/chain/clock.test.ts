import { expect, test } from 'vitest'
import { createClock } from './clock.ts'

test('default: a block of the future shows a chain that is ahead, an old one shows nothing', () => {
  const clock = createClock(() => 1000)
  clock.observe(400)
  expect(clock.now()).toBe(1000)
  clock.observe(1200)
  expect(clock.now()).toBe(1200)
})

test('behavior: a fresh block shows a chain that lags; each newer block brings the clock on', () => {
  const clock = createClock(() => 1000)
  clock.observe(400, true)
  expect(clock.now()).toBe(400)
  clock.observe(300)
  expect(clock.now()).toBe(400)
  clock.observe(900)
  expect(clock.now()).toBe(900)
  clock.observe(990)
  expect(clock.now()).toBe(1000)
})
