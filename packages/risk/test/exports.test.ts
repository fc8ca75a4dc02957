import { expect, test } from 'vitest'
import * as risk from '../src/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(risk).sort()).toMatchSnapshot()
})
