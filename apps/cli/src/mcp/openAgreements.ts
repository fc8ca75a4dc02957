import type { Hash } from 'viem'
import { unixNow } from '../jobs/jobContext.ts'
import type { Candidate } from '../jobs/planJob.ts'
import { AgreementMissingError } from './errors.ts'

/** Prices that machines agreed to, until their time is over. In memory alone: one that is forgotten costs nobody anything. */
export interface Agreements {
  keep(agreed: readonly Candidate[]): void
  /**
   * The one whose lease would have this id, or one that begins so.
   *
   * @throws AgreementMissingError
   */
  find(prefix: string): Candidate
}

export function openAgreements(): Agreements {
  const kept = new Map<Hash, Candidate>()
  const forgetOld = () => {
    const now = unixNow()
    for (const [lease, { offer }] of kept) if (offer.listing.published.offer.expiry <= now) kept.delete(lease)
  }
  return {
    keep(agreed) {
      forgetOld()
      for (const candidate of agreed) kept.set(candidate.offer.listing.id, candidate)
    },
    find(prefix) {
      forgetOld()
      const found = [...kept].filter(([lease]) => lease.startsWith(prefix.toLowerCase()))
      const [only] = found
      if (only === undefined || found.length > 1)
        throw new AgreementMissingError({ agreement: prefix, known: [...kept.keys()] })
      return only[1]
    },
  }
}
