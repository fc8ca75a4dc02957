import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PaymentRequirements } from '../wire/x402.ts'
import { openBudget } from './openBudget.ts'
import { createOncePayments } from './payOnce.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'once-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const signer = privateKeyToAccount(generatePrivateKey())
const payees = [1, 2, 3].map((each) => `0x${String(each).repeat(40)}`)
const requirementsOf = (payTo: string, amount: bigint): PaymentRequirements => ({
  scheme: 'exact',
  network: 'eip155:31337',
  amount: amount.toString(),
  asset: `0x${'aa'.repeat(20)}`,
  payTo,
  maxTimeoutSeconds: 120,
  extra: { name: 'Test Dollar', version: '1' },
})
const demands = fc.array(fc.record({ payee: fc.constantFrom(...payees), amount: fc.bigInt(0n, 1_000n) }), {
  minLength: 1,
  maxLength: 6,
})
let files = 0
const limits = { lifetime: 3_000n }

test('property: one nonce; the dearest to each payee is spent; a crash before the end counts all', async () => {
  await fc.assert(
    fc.asyncProperty(demands, fc.boolean(), async (asked, crashes) => {
      const path = join(folder, `budget-${files++}.jsonl`)
      const budget = await openBudget({ path, limits })
      const once = createOncePayments({ signer, budget, now: () => 1_000 })
      const nonces = new Set<unknown>()
      const dearest = new Map<string, bigint>()
      let all = 0n
      for (const { payee, amount } of asked) {
        const signing = once.sign(requirementsOf(payee, amount), { payee, service: 'GET http://a.example/' })
        if (all + amount > limits.lifetime) {
          await expect(signing).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
          continue
        }
        const { authorization } = (await signing).payload
        nonces.add((authorization as { nonce: string }).nonce)
        all += amount
        const most = dearest.get(payee) ?? 0n
        dearest.set(payee, amount > most ? amount : most)
      }
      expect(nonces.size).toBe(1)
      expect(budget.state()).toMatchObject({ spent: 0n, reserved: all })
      if (!crashes) await once.end()
      await budget.close()
      const reopened = await openBudget({ path, limits })
      const counted = crashes ? all : [...dearest.values()].reduce((sum, each) => sum + each, 0n)
      expect(reopened.state()).toMatchObject({ spent: counted, reserved: 0n })
      await reopened.close()
    }),
    { seed: 402, numRuns: 60 },
  )
})

test('error: ExactUnsignableError gives back what was reserved', async () => {
  const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits })
  const once = createOncePayments({ signer, budget, now: () => 1_000 })
  const { extra: _, ...nameless } = requirementsOf(payees[0] ?? '', 5n)
  await expect(once.sign(nameless, { payee: 'a', service: 's' })).rejects.toMatchObject({
    code: 'EXACT_UNSIGNABLE',
  })
  await once.end()
  expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
  await budget.close()
})
