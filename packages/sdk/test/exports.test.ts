import { expect, test } from 'vitest'
import * as sdk from '../src/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(sdk).sort()).toMatchSnapshot()
})
