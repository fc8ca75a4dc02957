import { expect, test } from 'vitest'
import * as pay from '../src/index.ts'
import * as mcp from '../src/mcp/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(pay).sort()).toMatchSnapshot()
})

test('the API for tools is this list', () => {
  expect(Object.keys(mcp).sort()).toMatchSnapshot()
})
