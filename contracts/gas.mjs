#!/usr/bin/env node
// Measures the gas of whole transactions (base fee, calldata, execution, refunds) in test/gas with `forge test --isolate`
// and writes snapshots/gas.json. With --check it writes nothing and fails where a number has changed, but leaves out what stands behind
// 10,000 loans, which takes minutes, unless --deep asks for it too.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { forge } from './forge.mjs'

const GOALS = {
  'till.pay': 40_000,
  'till.settle': 130_000,
  'market.lifecycle': 260_000,
  'channels.open': 95_000,
  'channels.claim_each_of_100': 19_000,
  'channels.claim_asset_each_of_100': 19_000,
  'channels.close': 65_000,
  'channels.tick': 90,
  'credit.borrow': 220_000,
}

/** Keys that only the long measurement has. */
const isDeep = (key) => key.endsWith('_at_10000')

/** Measures; answers what to print and whether all is well. */
export function measureGas({ check, deep = !check }) {
  const fresh = join(import.meta.dirname, 'cache', 'gas', 'gas.json')
  const kept = join(import.meta.dirname, 'snapshots', 'gas.json')
  rmSync(fresh, { force: true })
  mkdirSync(join(fresh, '..'), { recursive: true })
  const { status, stdout } = forge(['test', '--isolate', '--match-contract', 'GasTest'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { MILLRACE_DEEP: String(deep) },
  })
  if (status !== 0) return { ok: false, lines: [stdout] }
  const seen = JSON.parse(readFileSync(fresh, 'utf8'))
  const expected = JSON.parse(readFileSync(kept, 'utf8'))
  const lines = []
  for (const key of new Set([...Object.keys(seen), ...Object.keys(expected)])) {
    if (!deep && isDeep(key)) continue
    if (seen[key] !== expected[key]) lines.push(`${key}: ${expected[key]} before, ${seen[key]} now`)
  }
  const over = Object.entries(GOALS).filter(([key, goal]) => !(seen[key] <= goal))
  for (const [key, goal] of over) lines.push(`${key}: ${seen[key]} is above the goal of ${goal}`)
  if (!check) {
    writeFileSync(kept, readFileSync(fresh))
    return { ok: over.length === 0, lines }
  }
  return { ok: lines.length === 0, lines }
}

if (import.meta.filename === process.argv[1]) {
  const check = process.argv.includes('--check')
  const { ok, lines } = measureGas({ check, deep: !check || process.argv.includes('--deep') })
  for (const line of lines) console.log(line)
  if (!ok) console.log('Gas has changed or is above a goal; "node contracts/gas.mjs" writes it anew')
  else console.log(check ? 'Gas is as in snapshots/gas.json' : 'Wrote snapshots/gas.json')
  process.exit(ok ? 0 : 1)
}
