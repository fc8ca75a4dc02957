#!/usr/bin/env node
// Every test of the contracts: unit and fuzz tests, invariant campaigns with their reach, the differential test, gas against its
// snapshot, errors against the tests, and mutants. The last line is `N passed, N failed`. `--deep` runs the long campaigns from a
// seed that it chooses and prints, and all mutants, otherwise a few. MILLRACE_SEED sets the seed.
import { randomInt } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { untestedErrors } from './errors.mjs'
import { forge } from './forge.mjs'
import { measureGas } from './gas.mjs'
import { allMutants, tryMutants } from './mutants.mjs'

const deep = process.argv.includes('--deep')
/** One of each noun; all are tried with `--deep`. */
const QUICK = [
  'till-held-sold',
  'market-earned-up',
  'channels-old-voucher',
  'agents-period-forgotten',
  'credit-premium-twice',
  'ranks-second-first',
]

let passed = 0
let failed = 0
function result(ok, line) {
  if (ok) passed++
  else failed++
  console.log(`${ok ? 'ok   ' : 'FAIL '} ${line}`)
}

// Short campaigns repeat themselves, long ones explore.
const seed = process.env.MILLRACE_SEED ?? (deep ? randomInt(2 ** 32) : undefined)
if (seed !== undefined) console.log(`MILLRACE_SEED=${seed}`)

const reach = join(import.meta.dirname, 'cache', 'reach')
rmSync(reach, { recursive: true, force: true })
mkdirSync(reach, { recursive: true })
/** Credit alone makes a million calls: what a comment in the test asked of Forge for it would take its files away. */
const passes = deep
  ? [
      { pick: ['--no-match-contract', 'GasTest|CreditInvariant'], env: {} },
      { pick: ['--match-contract', 'CreditInvariant'], env: { FOUNDRY_INVARIANT_RUNS: '4000' } },
    ]
  : [{ pick: ['--no-match-contract', 'GasTest'], env: {} }]
for (const { pick, env } of passes) {
  const { status, stdout } = forge(['test', ...pick], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: {
      FOUNDRY_PROFILE: deep ? 'deep' : 'default',
      ...(seed !== undefined && { FOUNDRY_FUZZ_SEED: `0x${BigInt(seed).toString(16)}` }),
      ...env,
    },
  })
  process.stdout.write(stdout)
  const total = /: (\d+) tests? passed, (\d+) failed, (\d+) skipped/.exec(stdout)
  passed += Number(total?.[1] ?? 0)
  failed += Number(total?.[2] ?? 0)
  if (status !== 0 && Number(total?.[2] ?? 0) === 0) result(false, `forge test ${pick.join(' ')}`)
}

// A campaign that never stood where it is hard to stand has shown nothing.
const campaigns = readdirSync(reach)
const wanted = readdirSync(join(import.meta.dirname, 'test'), { recursive: true }).filter((name) =>
  name.endsWith('Invariant.t.sol'),
).length
if (campaigns.length !== wanted)
  result(false, `of ${wanted} campaigns these told where they were: ${campaigns.join(', ')}`)
for (const name of campaigns) {
  const counts = new Map()
  for (const line of readFileSync(join(reach, name), 'utf8').trim().split('\n')) {
    const [state, count] = line.split(' ')
    counts.set(state, (counts.get(state) ?? 0) + Number(count))
  }
  const list = [...counts].map(([state, count]) => `${state} ${count}`).join(', ')
  result(
    [...counts.values()].every((count) => count > 0),
    `reach of ${name.replace('.txt', '')}: ${list}`,
  )
}

const { count, missing } = untestedErrors()
result(missing.length === 0, `errors: ${count} in the ABIs, without a test: ${missing.join(', ') || 'none'}`)

const gas = measureGas({ check: true, deep })
result(gas.ok, `gas as in snapshots/gas.json${gas.lines.map((line) => `\n      ${line}`).join('')}`)

for (const name of deep ? allMutants() : QUICK) {
  let line = ''
  const survivors = tryMutants([name], (text) => {
    line = text
  })
  result(survivors.length === 0, line.replace(/^\w+\s+/, ''))
}

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
