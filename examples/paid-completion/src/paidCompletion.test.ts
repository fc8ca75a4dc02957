import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Model, train, useWasm } from '@millrace/example-train-lm'
import { getTill } from '@millrace/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parts } from './agreement.ts'
import { type LocalChain, startLocalChain } from './localChain.ts'
import { paidCompletion } from './paidCompletion.ts'

let chain: LocalChain
let folder: string
let model: Model
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-paid-'))
  await useWasm()
  const text = await readFile(fileURLToPath(new URL('../../../LICENSE', import.meta.url)), 'utf8')
  const documents = [{ path: 'LICENSE', text }]
  const shape = { width: 32, heads: 2 }
  model = train({ documents, steps: 5, seed: 1, vocabulary: 200, pieces: 2, piece: 32, shape }).model
  chain = await startLocalChain({ epochLength: 10 })
})
afterAll(async () => {
  await chain?.stop()
  await rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
})

test('one completion pays four parties and the fee, and every unit is accounted for', async () => {
  const { text, tokens, charged, assets, paid } = await paidCompletion(model, {
    chain,
    prompt: 'The licence',
    folder,
  })
  expect(text.length).toBeGreaterThan(0)
  expect(tokens.output).toBe(48)
  expect(charged).toBe(1000n + 20n * BigInt(tokens.input) + 80n * 48n)

  // The service's till: the fee comes first, then each part of what is left, rounded down; the owner has the rest.
  const feeOf = (amount: bigint) => amount / 100n
  const net = charged - feeOf(charged)
  const royalty = (party: keyof typeof parts) => (net * BigInt(parts[party])) / 10_000n
  const royalties = { machine: royalty('machine'), model: royalty('model'), data: royalty('data') }
  const kept = (amount: bigint) => amount - feeOf(amount)
  expect(paid).toEqual({
    // A royalty is revenue of the till that it reaches, so the fee is taken there too.
    machine: kept(royalties.machine),
    model: kept(royalties.model),
    data: kept(royalties.data),
    service: net - royalties.machine - royalties.model - royalties.data,
    fee: [charged, ...Object.values(royalties)].reduce((sum, amount) => sum + feeOf(amount), 0n),
  })
  expect(Object.values(paid).reduce((sum, amount) => sum + amount, 0n)).toBe(charged)

  for (const asset of Object.values(assets)) {
    const till = await getTill(chain.client, { deployment: chain.deployment, asset })
    expect([till.bucket.amount, till.royalties, till.held]).toEqual([0n, 0n, 0n])
  }
})
