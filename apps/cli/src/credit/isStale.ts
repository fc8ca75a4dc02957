import { MillraceError } from '@millrace/sdk'

/** Whether an error says that an appraisal, or the word on an asset's revenue, is out of date: nothing more is lent then. */
export function isStale(error: unknown): boolean {
  return (
    error instanceof MillraceError &&
    (error.code === 'APPRAISAL_EXPIRED' || error.code === 'EVIDENCE_EXPIRED')
  )
}
