import { expect, test } from 'vitest'
import { reliabilityOf } from './reliabilityOf.ts'

test('default', () => {
  expect(reliabilityOf({ started: 8, lapsed: 2, broken: 3 })).toBe(0.5)
})

test('behavior: nothing is known without a lease that was due', () => {
  expect(reliabilityOf({ started: 0, lapsed: 0, broken: 0 })).toBeNull()
})
