// Writes vectors/halving.json, which the contracts' tests read. Run it only when the curve changes on purpose:
// node --conditions=source --import tsx packages/risk/test/writeVectors.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createRandom, halvingLeft } from '../src/index.ts'

const random = createRandom(2026, 11)
const day = 86_400
const edges = [
  { amount: 0n, elapsed: 0, halfLife: 1 },
  { amount: 1n, elapsed: 1, halfLife: 2 },
  { amount: 30_000_000_000n, elapsed: 0, halfLife: 700 * day },
  { amount: 30_000_000_000n, elapsed: 700 * day, halfLife: 700 * day },
  { amount: 30_000_000_000n, elapsed: 700 * day - 1, halfLife: 700 * day },
  { amount: 30_000_000_000n, elapsed: 700 * day + 1, halfLife: 700 * day },
  { amount: 2n ** 88n - 1n, elapsed: 255 * day, halfLife: day },
  { amount: 2n ** 88n - 1n, elapsed: 256 * day, halfLife: day },
]
const drawn = Array.from({ length: 56 }, () => ({
  amount: BigInt(Math.floor(random.uniform() * 2 ** 52)) << BigInt(Math.floor(random.uniform() * 36)),
  elapsed: Math.floor(random.uniform() * 4000 * day),
  halfLife: Math.floor(day + random.uniform() * 1500 * day),
}))
const list = [...edges, ...drawn].map((one) => ({
  amount: one.amount.toString(),
  elapsed: one.elapsed,
  halfLife: one.halfLife,
  left: halvingLeft(one).toString(),
}))
const path = fileURLToPath(new URL('../../../vectors/halving.json', import.meta.url))
writeFileSync(path, `${JSON.stringify({ list }, null, 2)}\n`)
