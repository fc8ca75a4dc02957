import type { LeaseRecord } from '../journal/entries.ts'

/** Whether the lease was opened on a machine that was hired already: it is never started, only seen to its end. */
export const cameSecond = (record: LeaseRecord): boolean => record.refused?.code === 'SLOT_TAKEN'

/** A lease keeps its slot until it is over and its job has ended. */
export function occupies(record: LeaseRecord): boolean {
  if (cameSecond(record)) return false
  const jobAlive = record.run.state === 'launching' || record.run.state === 'launched'
  return record.over === null || jobAlive
}
