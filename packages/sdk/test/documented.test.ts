import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as sdk from '../src/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
    .map((path) => ({ path, text: readFileSync(`${root}${folder}/${path}`, 'utf8') })),
)
const sources = files.filter(({ path }) => !path.endsWith('.test.ts'))
const tests = files.filter(
  ({ path }) => path.endsWith('.test.ts') || /(browserScenario|creditNetwork)\.ts$/.test(path),
)

const isClass = (value: unknown) => typeof value === 'function' && /^class\b/.test(String(value))
const functions = Object.entries(sdk).filter(([, value]) => typeof value === 'function' && !isClass(value))

/** The comment in front of a declaration. */
function commentOf(name: string): string | undefined {
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export (?:async )?function ${name}\\b`)
  for (const { text } of sources) {
    const comment = pattern.exec(text)?.[1]
    if (comment !== undefined) return comment
  }
  return undefined
}

describe('every public function', () => {
  test.each(functions)(
    '%s says what it does, with an example that uses it, and a test that calls it',
    (name) => {
      const comment = commentOf(name)
      expect(comment, 'has a comment').toBeDefined()
      const example = comment?.split('@example')[1] ?? ''
      expect(example).toMatch(new RegExp(`\\b${name}\\(`))
      const called = tests.some(({ text }) => new RegExp(`\\b${name}\\(`).test(text))
      expect(called, `no test calls ${name}`).toBe(true)
    },
  )
})

describe('every error', () => {
  const classes = Object.entries(sdk).filter(([, value]) => isClass(value))
  test.each(classes)('%s is explained, and named like its class', (name) => {
    const file = sources.find(({ text }) => text.includes(`class ${name} `))
    expect(file?.text).toMatch(new RegExp(`\\*/\\s*export class ${name} extends (Millrace)?Error`))
    if (name !== 'MillraceError') expect(file?.text).toContain(`override readonly name = '${name}'`)
  })

  test('codes are told apart', () => {
    const codes = classes.flatMap(([, value]) => ('code' in Object(value) ? [Object(value).code] : []))
    expect(new Set(codes).size).toBe(codes.length)
  })
})
