import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@millrace/risk'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createProgram } from '../src/program.ts'

const work = mkdtempSync(join(tmpdir(), 'millrace-risk-'))
afterAll(() => rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))
const fileOf = (name: string, rows: readonly (readonly (string | number)[])[]) => {
  const path = join(work, name)
  writeFileSync(path, `${rows.map((row) => row.join(',')).join('\n')}\n`)
  return path
}

async function run(words: readonly string[], mode: readonly string[] = ['--json']): Promise<string> {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += chunk
    return true
  })
  try {
    await createProgram().parseAsync(['node', 'millrace', ...mode, 'risk', ...words])
  } finally {
    write.mockRestore()
  }
  return out
}
const json = async (...words: string[]) => JSON.parse(await run(words)) as Record<string, unknown>

/** Five years of months: rents drive a and b, power drives c; in one month of eight all three fall. */
const random = createRandom(2026, 7)
const months = Array.from(
  { length: 60 },
  (_, at) => `${2021 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}`,
)
const drivers = months.map(() => [0.04 * random.normal(), 0.06 * random.normal()] as const)
const returns = drivers.map(([rents, power], at) => {
  const crash = at % 8 === 5 ? -0.3 : 0
  const noise = () => 0.02 * random.normal()
  return [1.2 * rents + noise() + crash, 0.8 * rents + noise() + crash, -0.5 * power + noise() + crash]
})
const series = fileOf('returns.csv', [
  ['month', 'a', 'b', 'c'],
  ...months.map((month, at) => [month, ...(returns[at] ?? [])]),
])
const factors = fileOf('factors.csv', [
  ['month', 'rents', 'power', 'crash'],
  ...months.map((month, at) => [month, ...(drivers[at] ?? []), at % 8 === 5 ? 1 : 0]),
])

describe('risk', () => {
  test('default: what moves together, more in bad months than chance says', async () => {
    const found = await json('together', series)
    expect(found).toMatchObject({ periods: 60, bad: 20, names: ['a', 'b', 'c'] })
    expect(Number(found.downCorrelation)).toBeGreaterThan(Number(found.expectedCorrelation) + 0.1)
    expect(await run(['together', series], [])).toContain('they fall together')
  })

  test('default: what drives each, found again', async () => {
    const found = await json('factors', series, '--factors', factors, '--lags', '2')
    const columns = found.columns as {
      name: string
      explained: number
      loadings: { value: number; error: number }[]
    }[]
    const truth = [
      [1.2, 0, -0.3],
      [0.8, 0, -0.3],
      [0, -0.5, -0.3],
    ]
    for (const [at, { explained, loadings }] of columns.entries()) {
      expect(explained).toBeGreaterThan(0.8)
      for (const [factor, { value, error }] of loadings.entries())
        expect(Math.abs(value - (truth[at]?.[factor] ?? 0))).toBeLessThan(4 * error)
    }
    const text = await run(['factors', series, '--factors', factors], [])
    expect(text.split('\n')[0]).toMatch(/NAME +EXPLAINED +rents +power +crash +REST/)
  })

  test('default: a spread that costs least in the worst months, within its caps', async () => {
    const found = await json('spread', series, '--cap', '50', '--worst', '10')
    const weights = found.weights as { name: string; weight: number }[]
    expect(weights.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
    expect(Math.max(...weights.map(({ weight }) => weight))).toBeLessThanOrEqual(0.5 + 1e-9)
    expect(Number(found.shortfall)).toBeLessThanOrEqual(Number(found.equalShortfall) + 1e-12)
    expect(Number(found.shortfall) - Number(found.lowerBound)).toBeLessThan(1e-8)
    expect(await run(['spread', series], [])).toContain('No spread within the limits costs less than')
  })

  test('behavior: levels are read as their changes', async () => {
    const levels = [1, 2, 4, 2, 8].map((level, at) => [`m${at}`, level, 10 * level])
    const path = fileOf('levels.csv', [['month', 'x', 'y'], ...levels])
    const found = await json('together', path, '--changes', '--bad', '75')
    expect(found).toMatchObject({ periods: 4, bad: 3 })
    expect(Number(found.correlation)).toBeCloseTo(1, 9)
  })

  test('error: SERIES_INVALID and others, by their code', async () => {
    const bad = (name: string, rows: readonly (readonly (string | number)[])[]) => fileOf(name, rows)
    const wrong: [string[], string][] = [
      [['together', join(work, 'none.csv')], 'SERIES_INVALID'],
      [['together', bad('empty.csv', [])], 'SERIES_INVALID'],
      [
        [
          'together',
          bad('words.csv', [
            ['month', 'a'],
            ['1', 'much'],
          ]),
        ],
        'SERIES_INVALID',
      ],
      [
        [
          'together',
          bad('short.csv', [
            ['month', 'a', 'b'],
            ['1', 2],
          ]),
        ],
        'SERIES_INVALID',
      ],
      [
        [
          'together',
          bad('headless.csv', [
            ['a', 'b'],
            [1, 2],
          ]),
        ],
        'SERIES_INVALID',
      ],
      [
        [
          'together',
          bad('zero.csv', [
            ['month', 'a'],
            ['1', 0],
            ['2', 1],
          ]),
          '--changes',
        ],
        'SERIES_INVALID',
      ],
      [
        [
          'factors',
          series,
          '--factors',
          bad('other.csv', [
            ['month', 'x'],
            ['1999-01', 2],
          ]),
        ],
        'SERIES_INVALID',
      ],
      [['factors', series, '--factors', factors, '--lags', 'many'], 'USAGE'],
      [['spread', series, '--worst', '0'], 'USAGE'],
      [['spread', series, '--cap', '20'], 'RISK_PARAMETER'],
      [['spread', series, '--least-return', '90'], 'RISK_PARAMETER'],
      [
        [
          'together',
          bad('few.csv', [
            ['month', 'a', 'b'],
            ['1', 1, 2],
            ['2', 2, 3],
          ]),
        ],
        'RISK_PARAMETER',
      ],
    ]
    for (const [words, code] of wrong)
      await expect(run(words), words.join(' ')).rejects.toMatchObject({ code })
  })
})
