import { randomUUID } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BudgetExceededError } from './errors.ts'
import { type Budget, type BudgetLimits, openBudget } from './openBudget.ts'

let folder: string
let time: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'budget-'))
  time = 1_790_000_000
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const open = (limits: BudgetLimits, path = join(folder, 'budget.jsonl')) =>
  openBudget({ path, limits, now: () => time })
const spend = (amount: bigint, changes: { payee?: string; service?: string; ref?: string } = {}) => ({
  amount,
  payee: 'asset:7',
  service: 'GET https://api.example/data',
  ...changes,
})

describe('openBudget', () => {
  test('default: reserve, then capture or release', async () => {
    const budget = await open({ lifetime: 100n })
    const first = await budget.reserve(spend(60n))
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 60n, inPeriod: 60n })
    await first.capture(25n)
    const second = await budget.reserve(spend(75n))
    await second.release()
    expect(budget.state()).toMatchObject({ spent: 25n, reserved: 0n })
    await budget.close()
  })

  test.each<[string, BudgetLimits, string | null]>([
    ['perPayment', { perPayment: 9n }, null],
    ['perPeriod', { perPeriod: 19n }, null],
    ['perPayee', { perPayee: 19n }, 'asset:7'],
    ['perService', { perService: 19n }, 'GET https://api.example/data'],
    ['lifetime', { lifetime: 19n }, null],
  ])('error: BudgetExceededError for %s', async (limit, limits, subject) => {
    const budget = await open(limits)
    if (limit !== 'perPayment') await budget.reserve(spend(10n))
    await expect(budget.reserve(spend(10n))).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      details: { limit, amount: 10n, subject },
    })
    await budget.close()
  })

  test('behavior: what was spent long ago no longer counts in the period, and always in the lifetime', async () => {
    const budget = await open({ perPeriod: 10n, period: 60, lifetime: 15n })
    await (await budget.reserve(spend(10n))).capture(10n)
    time += 59
    await expect(budget.reserve(spend(1n))).rejects.toMatchObject({ details: { limit: 'perPeriod' } })
    time += 1
    await (await budget.reserve(spend(5n))).capture(5n)
    time += 60
    await expect(budget.reserve(spend(1n))).rejects.toMatchObject({
      details: { limit: 'lifetime', used: 15n },
    })
    await budget.close()
  })

  test('behavior: a crash frees nothing: what was reserved counts as spent', async () => {
    const path = join(folder, 'crashed.jsonl')
    const budget = await open({ lifetime: 100n })
    await (await budget.reserve(spend(10n, { ref: 'a' }))).capture(4n)
    await budget.reserve(spend(50n, { ref: 'b' }))
    appendFileSync(path, readFileSync(join(folder, 'budget.jsonl')))
    appendFileSync(path, 'deadbeef [9,{"type":"ended"')
    await budget.close()
    const again = await open({ lifetime: 100n }, path)
    expect(again.state()).toMatchObject({ spent: 54n, reserved: 0n })
    await expect(again.reserve(spend(47n))).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    await expect(again.reserve(spend(1n, { ref: 'a' }))).rejects.toMatchObject({ code: 'PAYMENT_REPEATED' })
    await again.close()
  })

  test('behavior: what can be asked what it came to stays reserved through crashes, and is ended by whoever takes it up', async () => {
    const job = { ...spend(50n, { ref: 'job 1' }), resumable: true }
    let budget = await open({ lifetime: 100n })
    await budget.reserve(job)
    await budget.reserve({ ...spend(20n, { ref: 'job 2' }), resumable: true })
    await budget.reserve(spend(10n, { ref: 'call' }))
    for (let crash = 0; crash < 2; crash++) {
      await budget.close()
      budget = await open({ lifetime: 100n })
      expect(budget.state()).toMatchObject({ spent: 10n, reserved: 70n })
      expect(budget.left()).toEqual(['job 1', 'job 2'])
      await expect(budget.reserve(spend(21n))).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
      await expect(budget.reserve(job)).rejects.toMatchObject({ code: 'PAYMENT_REPEATED' })
    }
    expect(budget.resume('call')).toBeNull()
    await budget.resume('job 1')?.capture(15n)
    // Taken up once, by one.
    expect(budget.resume('job 1')).toBeNull()
    expect(budget.left()).toEqual(['job 2'])
    time += 10 * 86_400
    await budget.close()
    budget = await open({ lifetime: 100n })
    expect(budget.state()).toMatchObject({ spent: 25n, reserved: 20n })
    await budget.resume('job 2')?.release()
    expect(budget.state()).toMatchObject({ spent: 25n, reserved: 0n })
    await budget.close()
  })

  test('error: a reservation ends once, and within what it holds', async () => {
    const budget = await open({})
    const reservation = await budget.reserve(spend(10n))
    await expect(reservation.capture(11n)).rejects.toMatchObject({ code: 'CAPTURE_TOO_HIGH' })
    await reservation.capture(10n)
    await expect(reservation.release()).rejects.toMatchObject({ code: 'RESERVATION_SPENT' })
    await budget.close()
  })

  test('behavior: compaction under load counts nothing twice and loses nothing', async () => {
    const budget = await open({ lifetime: 10n ** 9n })
    const copies: string[] = []
    await Promise.all(
      Array.from({ length: 64 }, async (_, worker) => {
        for (let turn = 0; turn < 60; turn++) {
          await (await budget.reserve(spend(10n))).capture(1n)
          if (worker !== 0 || turn % 10 !== 0) continue
          // As a crash would leave it.
          const path = join(folder, `copy-${turn}.jsonl`)
          appendFileSync(path, readFileSync(join(folder, 'budget.jsonl')))
          copies.push(path)
        }
      }),
    )
    expect(budget.state()).toMatchObject({ spent: 3_840n, reserved: 0n })
    await budget.close()
    const again = await open({})
    expect(again.state().spent).toBe(3_840n)
    await again.close()
    for (const path of copies) {
      const ids = [...readFileSync(path, 'utf8').matchAll(/"type":"reserved","id":"([^"]+)"/g)].map(
        ([, id]) => id,
      )
      expect(new Set(ids).size).toBe(ids.length)
      await (await open({}, path)).close()
    }
  })

  test('behavior: what is captured is captured, though the file cannot be rewritten', async () => {
    const path = join(folder, 'budget.jsonl')
    const budget = await open({ lifetime: 10n ** 9n })
    mkdirSync(`${path}.new`)
    await Promise.all(
      Array.from({ length: 2_600 }, async () => (await budget.reserve(spend(2n))).capture(1n)),
    )
    await (await budget.reserve(spend(2n))).capture(1n)
    await budget.close()
    expect(readFileSync(path, 'utf8')).toContain('"type":"reserved"')
    expect(readFileSync(path, 'utf8')).not.toContain('"type":"before"')
    rmSync(`${path}.new`, { recursive: true })
    const again = await open({})
    expect(again.state()).toMatchObject({ spent: 2_601n, reserved: 0n })
    await again.close()
  })

  test('behavior: no interleaving of parallel payments passes a limit, through restarts too', async () => {
    await neverOverspends((limits, path) => open(limits, path), { ...tight, perPayee: 70n })
  })

  test('behavior: a budget that checks first and counts later passes one by one, and not at once', async () => {
    await neverOverspends(openRacingBudget, tight, 1)
    await expect(neverOverspends(openRacingBudget, tight)).rejects.toThrow('Property failed')
  })
})

const tight = { perPayment: 35n, perPeriod: 100n, period: 60, lifetime: 300n }

/** Invariant 12 of agents' wallets: payments that all ask at once, their ends in between, and a restart after each round. */
async function neverOverspends(
  openOne: (limits: BudgetLimits, path: string) => Promise<Budget>,
  limits: typeof tight & { readonly perPayee?: bigint },
  atOnce = 8,
): Promise<void> {
  const payment = fc.record({
    amount: fc.bigInt({ min: 0n, max: 40n }),
    payee: fc.constantFrom('asset:1', 'asset:2'),
    captured: fc.bigInt({ min: 0n, max: 40n }),
    end: fc.constantFrom('capture', 'release', 'hang'),
    wait: fc.integer({ min: 0, max: 30 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(payment, { maxLength: atOnce }), { maxLength: 48 / atOnce }),
      async (rounds) => {
        const path = join(folder, `${randomUUID()}.jsonl`)
        let budget = await openOne(limits, path)
        /** Every payment that was let through, with the most that it can have cost. */
        const paid: { at: number; amount: bigint; payee: string }[] = []
        try {
          for (const round of rounds) {
            await Promise.all(
              round.map(async ({ amount, payee, captured, end }) => {
                const reservation = await budget.reserve(spend(amount, { payee })).catch(() => null)
                if (reservation === null) return
                const spent = end === 'release' ? 0n : end === 'hang' || captured > amount ? amount : captured
                paid.push({ at: time, amount: spent, payee })
                if (end !== 'hang') await reservation.capture(spent)
              }),
            )
            const recent = paid.filter(({ at }) => at > time - limits.period)
            const sum = (list: readonly { amount: bigint }[]) =>
              list.reduce((total, { amount }) => total + amount, 0n)
            expect(sum(recent)).toBeLessThanOrEqual(limits.perPeriod)
            const { perPayee } = limits
            if (perPayee !== undefined)
              expect(sum(recent.filter(({ payee }) => payee === 'asset:1'))).toBeLessThanOrEqual(perPayee)
            expect(sum(paid)).toBeLessThanOrEqual(limits.lifetime)
            for (const { amount } of paid) expect(amount).toBeLessThanOrEqual(limits.perPayment)
            await budget.close()
            budget = await openOne(limits, path)
            expect(budget.state().spent).toBe(sum(paid))
            time += round[0]?.wait ?? 0
          }
        } finally {
          await budget.close()
        }
      },
    ),
    { numRuns: process.env.MILLRACE_DEEP === undefined ? 40 : 2_000, endOnFailure: true },
  )
}

/** The race of other gateways' budgets, kept as a fault that the property must find: all may pass the check before one counts. */
async function openRacingBudget(limits: BudgetLimits, path: string): ReturnType<typeof open> {
  const budget = await openBudget({ path, limits: {}, now: () => time })
  return {
    ...budget,
    async reserve(spending) {
      const { lifetime = 0n, perPeriod = 0n, perPayment = 0n } = limits
      const { spent, inPeriod } = budget.state()
      const { amount } = spending
      if (amount > perPayment || spent + amount > lifetime || inPeriod + amount > perPeriod)
        throw new BudgetExceededError({
          limit: 'perPeriod',
          amount,
          used: spent,
          most: perPeriod,
          subject: null,
        })
      await Promise.resolve()
      return budget.reserve(spending)
    },
  }
}
