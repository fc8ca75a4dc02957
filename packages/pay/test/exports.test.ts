import { expect, test } from 'vitest'
import * as a2a from '../src/a2a/index.ts'
import * as pay from '../src/index.ts'
import * as mcp from '../src/mcp/index.ts'
import * as x402 from '../src/x402/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(pay).sort()).toMatchSnapshot()
})

test('the API for agents is this list', () => {
  expect(Object.keys(a2a).sort()).toMatchSnapshot()
})

test('the API for tools is this list', () => {
  expect(Object.keys(mcp).sort()).toMatchSnapshot()
})

test('the public API of x402 is this list', () => {
  expect(Object.keys(x402).sort()).toMatchSnapshot()
})
