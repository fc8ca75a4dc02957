import { parentPort } from 'node:worker_threads'
import { createLedger, createRevenueExaminer, type Ledger, type RevenueExaminer } from '@millrace/risk/fraud'
import type { ExaminerAnswer, ExaminerOrder } from './examinerOrders.ts'

interface Open {
  readonly ledger: Ledger
  readonly examiner: RevenueExaminer
}

/** The thread that keeps ledgers and searches them: orders are taken one by one, in the order in which they were sent. */
const opened = new Map<string, Open>()

function openOf(key: string): Open {
  const open = opened.get(key)
  if (open === undefined) throw new RangeError(`the ledger of '${key}' was not opened`)
  return open
}

function carryOut(order: ExaminerOrder): ExaminerAnswer['value'] {
  switch (order.type) {
    case 'open': {
      const ledger = createLedger(order.unit)
      opened.set(order.key, { ledger, examiner: createRevenueExaminer(ledger) })
      return null
    }
    case 'change': {
      const { ledger } = openOf(order.key)
      ledger.cut(order.keep)
      ledger.add(order.transfers)
      return null
    }
    case 'dump': {
      const { ledger } = openOf(order.key)
      return Array.from({ length: ledger.size }, (_, at) => ({
        id: ledger.idOf(at),
        time: ledger.timeOf(at),
        from: ledger.nameOf(ledger.fromOf(at)),
        to: ledger.nameOf(ledger.toOf(at)),
        amount: BigInt(ledger.unitsUp(at)) * ledger.unit,
      }))
    }
    case 'examine': {
      const { ledger, examiner } = openOf(order.key)
      const { question, meter } = order
      // One that never moved anything would only take up memory.
      const related = question.related.filter(ledger.knows)
      const { payments, ...report } = examiner.examine({ ...question, related }, meter)
      return { ...report, payments: payments.length }
    }
    default:
      return order satisfies never
  }
}

parentPort?.on('message', (order: ExaminerOrder) => {
  let answer: ExaminerAnswer
  try {
    answer = { id: order.id, value: carryOut(order), error: null }
  } catch (error) {
    answer = { id: order.id, value: null, error: error instanceof Error ? error.message : String(error) }
  }
  parentPort?.postMessage(answer)
})
