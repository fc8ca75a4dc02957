import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileOutputPatterns } from './outputPattern.ts'

/** A second implementation: the pattern as a regular expression. */
function reference(pattern: string, path: string): boolean {
  const parts = pattern
    .split('/')
    .map((part) =>
      part === '**'
        ? '(?:[^/]+/)*'
        : `${[...part].map((character) => (character === '*' ? '[^/]*' : character === '?' ? '[^/]' : character)).join('')}/`,
    )
  return new RegExp(`^${parts.join('')}(?:[^/]+/)*$`).test(`${path}/`)
}

const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 })
const patternPart = fc.oneof(
  fc.constant('**'),
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }),
)

describe('compileOutputPatterns', () => {
  it('default: folders, wildcards and depth', () => {
    const { matches } = compileOutputPatterns(['out/**', 'logs/*.txt', 'model'])
    expect(matches(['out', 'a', 'b'])).toBe(true)
    expect(matches(['logs', 'x.txt'])).toBe(true)
    expect(matches(['logs', 'x.bin'])).toBe(false)
    expect(matches(['model', 'weights', 'w0'])).toBe(true)
    expect(matches(['elsewhere'])).toBe(false)
  })

  it('behavior: agrees with a regular expression', () => {
    fc.assert(
      fc.property(
        fc.array(patternPart, { minLength: 1, maxLength: 5 }),
        fc.array(name, { minLength: 1, maxLength: 5 }),
        (parts, path) => {
          const pattern = parts.join('/')
          const matched = compileOutputPatterns([pattern]).matches(path)
          expect(matched, `${pattern} on ${path.join('/')}`).toBe(reference(pattern, path.join('/')))
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('behavior: a folder that may hold a match is walked', () => {
    fc.assert(
      fc.property(
        fc.array(patternPart, { minLength: 1, maxLength: 4 }),
        fc.array(name, { minLength: 1, maxLength: 4 }),
        (parts, path) => {
          const matcher = compileOutputPatterns([parts.join('/')])
          if (!matcher.matches(path)) return
          for (let depth = 0; depth < path.length; depth++)
            expect(matcher.mayHold(path.slice(0, depth))).toBe(true)
        },
      ),
    )
  })

  it.each([
    ['a/'.repeat(65), 'parts'],
    ['**/'.repeat(9), 'parts "**"'],
  ])('error: %s has too many %s', (pattern, what) => {
    expect(() => compileOutputPatterns([pattern])).toThrow(what)
  })

  it('behavior: a pattern made to be slow is not', () => {
    const matcher = compileOutputPatterns([`${'*a'.repeat(200)}b`, `${'**/'.repeat(8)}x`])
    expect(matcher.matches(['a'.repeat(250)])).toBe(false)
    expect(matcher.matches(Array.from({ length: 100 }, () => 'y'))).toBe(false)
  })
})
