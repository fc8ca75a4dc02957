import fc from 'fast-check'
import { type Address, getAddress, numberToHex } from 'viem'
import { describe, expect, test } from 'vitest'
import type { AgentFeedback } from './getAgentFeedback.ts'
import type { PaidVolume } from './readPaidVolumes.ts'
import { weighFeedback } from './weighFeedback.ts'

const who = (n: number): Address => getAddress(numberToHex(n + 1, { size: 20 }))
const said = (n: number, value: bigint, more: Partial<AgentFeedback> = {}): AgentFeedback => ({
  ...{ client: who(n), index: 1n, value, decimals: 0, tag: 'starred', tag2: '', isRevoked: false },
  ...more,
})
const paidBy = (n: number, amount: bigint, signers: readonly number[] = []): PaidVolume => ({
  ...{ payer: who(n), signers: signers.map(who), amount },
})
const one = 10n ** 18n
const weigh = (feedback: AgentFeedback[], paid: PaidVolume[], own: Address[] = []) =>
  weighFeedback({ feedback, paid, own, tag: 'starred' })

describe('weighFeedback', () => {
  test('default: each payer by what it paid, whatever its decimals', () => {
    const feedback = [said(1, 100n), said(2, 400n, { decimals: 1 })]
    expect(weigh(feedback, [paidBy(1, 3n), paidBy(2, 1n)])).toEqual({
      value: 85n * one,
      weight: 4n,
      voices: 2,
    })
  })

  test('behavior: who paid nothing, other tags, what was taken back, and the agent’s own count for nothing', () => {
    const feedback = [
      said(1, 100n),
      said(1, 0n, { index: 2n, tag: 'uptime' }),
      said(1, 0n, { index: 3n, isRevoked: true }),
      said(3, -1_000n),
      said(4, 1_000n),
    ]
    expect(weigh(feedback, [paidBy(1, 5n), paidBy(4, 10n ** 9n)], [who(4)])).toMatchObject({
      value: 100n * one,
      weight: 5n,
    })
    expect(weigh([said(3, 5n)], [paidBy(1, 5n)])).toBeNull()
    expect(weigh([said(1, 5n)], [paidBy(1, 0n)])).toBeNull()
    expect(weigh([], [])).toBeNull()
  })

  test('behavior: a key speaks for one wallet, and a wallet speaks before its key', () => {
    const feedback = [said(1, 10n), said(9, 50n)]
    expect(weigh(feedback, [paidBy(1, 4n, [9])])).toMatchObject({ value: 10n * one, voices: 1 })
    // Two wallets of one key: the larger has its voice.
    expect(weigh([said(9, 50n)], [paidBy(1, 4n, [9]), paidBy(2, 6n, [9])])).toMatchObject({
      weight: 6n,
      voices: 1,
    })
    expect(weigh(feedback, [paidBy(1, 4n, [9])], [who(9)])).toBeNull()
  })

  test('behavior: no number of clients that paid nothing moves it, and it lies within what payers said', () => {
    const voice = fc.record({
      value: fc.bigInt({ min: -1_000n, max: 1_000n }),
      amount: fc.bigInt({ min: 1n, max: 10n ** 12n }),
    })
    fc.assert(
      fc.property(
        fc.array(voice, { minLength: 1, maxLength: 8 }),
        fc.array(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })),
        (voices, sybils) => {
          const feedback = voices.map(({ value }, n) => said(n, value))
          const paid = voices.map(({ amount }, n) => paidBy(n, amount))
          const honest = weigh(feedback, paid)
          expect(weigh([...sybils.map((value, n) => said(1_000 + n, value)), ...feedback], paid)).toEqual(
            honest,
          )
          const values = voices.map(({ value }) => value * one)
          const [least = 0n, most = 0n] = [
            values.reduce((a, b) => (a < b ? a : b)),
            values.reduce((a, b) => (a > b ? a : b)),
          ]
          expect(honest?.value).toBeGreaterThanOrEqual(least)
          expect(honest?.value).toBeLessThanOrEqual(most)
          expect(honest?.weight).toBe(voices.reduce((sum, { amount }) => sum + amount, 0n))
        },
      ),
    )
  })
})
