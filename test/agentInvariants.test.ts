import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** The table of invariants of agents' wallets names functions, tests and mutants: all of them are there. */
const contracts = new URL('../contracts/', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, contracts), 'utf8')
const all = (folder: string) =>
  readdirSync(new URL(folder, contracts))
    .filter((name) => name.endsWith('.sol'))
    .map((name) => read(`${folder}${name}`))
    .join('\n')
const rows = read('src/agents/README.md')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.slice(1, -1).split(' | '))
const names = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

describe("invariants of agents' wallets", () => {
  test('default: there are twelve, in their order, each with all that proves it', () => {
    expect(rows.map(([number]) => number?.trim())).toEqual(
      Array.from({ length: 12 }, (_, i) => String(i + 1)),
    )
    for (const cells of rows) {
      expect(cells).toHaveLength(5)
      for (const cell of cells) expect(cell.trim()).not.toBe('')
    }
  })

  test('behavior: what enforces and what checks an invariant exists by that name', () => {
    const source = all('src/agents/')
    const tests = all('test/agents/')
    for (const [number, , where, checks] of rows.slice(0, 11)) {
      for (const name of names(where)) {
        const last = name.split('.').at(-1) ?? ''
        expect(source, `${number}: ${name}`).toMatch(new RegExp(`(function|modifier) ${last}\\b`))
      }
      for (const name of names(checks)) {
        const last = name.split('.').at(-1) ?? ''
        expect(tests, `${number}: ${name}`).toMatch(new RegExp(`function ${last}\\(`))
      }
    }
  })

  test('behavior: every mutant of this noun proves an invariant, and every invariant has one', () => {
    const named = rows.slice(0, 11).flatMap(([, , , , mutants]) => {
      expect(names(mutants).length).toBeGreaterThan(0)
      return names(mutants)
    })
    const kept = readdirSync(new URL('mutants/', contracts))
      .filter((name) => name.startsWith('agents-'))
      .map((name) => name.replace('.patch', ''))
    expect([...named].sort()).toEqual(kept.sort())
  })
})
