import { createLedger, createRevenueExaminer, plantWash } from '@millrace/risk/fraud'
import { afterAll, describe, expect, test } from 'vitest'
import { ExaminationFailed } from './errors.ts'
import { startExaminer } from './startExaminer.ts'

const { transfers, question } = plantWash({ seed: 5, scheme: 'ring of three', share: 0.5 })
const examiner = startExaminer()
afterAll(() => examiner.close())

describe('startExaminer', () => {
  test('default: it finds what is found on this thread', async () => {
    await examiner.open('a', 1n)
    await examiner.change('a', { keep: 0, transfers })
    const ledger = createLedger(1n)
    ledger.add(transfers)
    const { payments, ...report } = createRevenueExaminer(ledger).examine(question)
    const found = await examiner.examine('a', {
      question: { ...question, related: [...question.related, 'nobody'] },
    })
    expect(found).toEqual({ ...report, payments: payments.length })
    expect(await examiner.dump('a')).toEqual(transfers)
  })

  test('behavior: orders are carried out as they came, each on its own ledger', async () => {
    await examiner.open('b', 1n)
    const changes = [
      examiner.change('b', { keep: 0, transfers: transfers.slice(0, 50) }),
      examiner.change('b', { keep: 20, transfers: transfers.slice(20, 30) }),
    ]
    expect(await examiner.dump('b')).toEqual(transfers.slice(0, 30))
    await Promise.all(changes)
    expect(await examiner.dump('a')).toHaveLength(transfers.length)
    await examiner.open('b', 1n)
    expect(await examiner.dump('b')).toEqual([])
  })

  test('error: ExaminationFailed for what waits when the thread ends, and for a ledger that it had; the next order starts it anew', async () => {
    const waits = examiner.examine('a', { question })
    // Long enough that the answer is there, on its way to a thread that sleeps.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    const [ended] = await Promise.allSettled([waits, examiner.close()])
    expect(ended).toMatchObject({ status: 'rejected', reason: expect.any(ExaminationFailed) })
    await expect(examiner.examine('a', { question })).rejects.toMatchObject({
      code: 'EXAMINATION_FAILED',
      status: 503,
      retryable: true,
    })
    await examiner.open('a', 1n)
    await examiner.change('a', { keep: 0, transfers })
    expect((await examiner.examine('a', { question })).payments).toBeGreaterThan(10)
  })

  test('error: ExaminationFailed with the reason for transfers that are none', async () => {
    await examiner.open('c', 1n)
    const [one] = transfers
    if (one === undefined) throw new RangeError('no transfers')
    const wrong = { keep: 0, transfers: [{ ...one, amount: -1n }] }
    await expect(examiner.change('c', wrong)).rejects.toThrow(ExaminationFailed)
    expect(await examiner.dump('c')).toEqual([])
  })
})
