import type { MeterReading, RevenueQuestion, RevenueReport, Transfer } from '@millrace/risk/fraud'

/** What the examiner found, its payments counted rather than listed. */
export type Examination = Omit<RevenueReport, 'payments'> & { readonly payments: number }

/** What the thread is told; `key` names a ledger. */
export type ExaminerOrder = { readonly id: number; readonly key: string } & ExaminerTask

/** An order without its number and ledger. */
export type ExaminerTask =
  | { readonly type: 'open'; readonly unit: bigint }
  /** Keeps the first `keep` transfers and adds others. */
  | { readonly type: 'change'; readonly keep: number; readonly transfers: readonly Transfer[] }
  | { readonly type: 'dump' }
  | { readonly type: 'examine'; readonly question: RevenueQuestion; readonly meter?: MeterReading }

/** What it answers. */
export interface ExaminerAnswer {
  readonly id: number
  readonly value: Examination | readonly Transfer[] | null
  readonly error: string | null
}
