import type { ChallengeFinding } from '@millrace/sdk'

/** What a challenge of this gateway's found; rates in 10⁹ operations a second, `at` in Unix seconds. */
export type Finding = ChallengeFinding

/** Whether a machine may be called verified: its work is proven, and what it claims is there. */
export const isVerified = ({ verdict }: Finding): boolean => verdict === 'met' || verdict === 'unclaimed'
