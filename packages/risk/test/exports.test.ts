import { expect, test } from 'vitest'
import * as book from '../src/book/index.ts'
import * as fraud from '../src/fraud/index.ts'
import * as risk from '../src/index.ts'

test('the public API is this list', () => {
  expect(Object.keys(risk).sort()).toMatchSnapshot()
})

test('the API for Node alone is this list', () => {
  expect(Object.keys(book).sort()).toMatchSnapshot()
})

test('the API for examining revenue is this list', () => {
  expect(Object.keys(fraud).sort()).toMatchSnapshot()
})
