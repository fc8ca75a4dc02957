import { expect, test } from 'vitest'
import * as pay from '../src/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(pay).sort()).toMatchSnapshot()
})
