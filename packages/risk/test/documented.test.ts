import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as book from '../src/book/index.ts'
import * as fraud from '../src/fraud/index.ts'
import * as risk from '../src/index.ts'

const root = fileURLToPath(new URL('../src/', import.meta.url))
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))
const api: Readonly<Record<string, unknown>> = { ...risk, ...book, ...fraud }
const isClass = (value: unknown) => typeof value === 'function' && /^class\b/.test(String(value))
const functions = Object.keys(api).filter((name) => typeof api[name] === 'function' && !isClass(api[name]))

function commentOf(name: string): string {
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export (?:async )?function ${name}\\b`)
  for (const { path, text } of files) {
    if (path.endsWith('.test.ts')) continue
    const comment = pattern.exec(text)?.[1]
    if (comment !== undefined) return comment.replace(/^\s*\* ?/gm, '')
  }
  return ''
}

describe('every public function', () => {
  test.each(functions)(
    '%s says what it does, with an example that uses it, and a test that calls it',
    (name) => {
      expect(commentOf(name).split('@example')[1] ?? '').toMatch(new RegExp(`\\b${name}\\(`))
      const called = files.some(
        ({ path, text }) => path.endsWith('.test.ts') && new RegExp(`\\b${name}\\(`).test(text),
      )
      expect(called, `no test calls ${name}`).toBe(true)
    },
  )
})

// Examples that stand alone and name a result: `herfindahl([50, 30, 20]) // 0.38`.
const results = functions.flatMap((name) =>
  (commentOf(name).split('@example')[1] ?? '').split('\n').flatMap((line) => {
    const [, call, result] = /^(\w+\(.*\)(?:\.\w+|\[\d\])*) \/\/ (-?[\d,./]+n?)\s*$/.exec(line.trim()) ?? []
    return call === undefined || result === undefined || /\b(curve|months|periods|machine)\b/.test(call)
      ? []
      : [{ call, result }]
  }),
)

test.each(results)('the example $call gives $result', ({ call, result }) => {
  const seen: unknown = new Function(...Object.keys(api), `return ${call}`)(...Object.values(api))
  if (result.endsWith('n')) return expect(`${seen}n`).toBe(result.replaceAll(',', ''))
  const [above = '0', below = '1'] = result.replaceAll(',', '').split('/')
  const decimals = result.includes('/') ? 9 : (above.split('.')[1]?.length ?? 0)
  expect(seen).toBeCloseTo(Number(above) / Number(below), decimals)
})

test('there are such examples', () => {
  expect(results.length).toBeGreaterThan(15)
})
