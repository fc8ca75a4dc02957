import type { PublishedOffer, Spec } from '@millrace/sdk'
import {
  type ChallengeResult,
  type ClaimVerdict,
  challengeMachine,
  compareClaim,
  sizeForRate,
} from '@millrace/sdk/challenge'
import type { Connection } from '../connection/connect.ts'
import { type MachineSessionOptions, openMachineSession } from './jobSession.ts'

export interface ChallengeOfferOptions extends MachineSessionOptions {
  readonly published: PublishedOffer
  /** What multiplies; by default the GPUs where the offer has some. */
  readonly device?: 'cpu' | 'gpu'
  /** Rows of the matrices; by default as many as take a machine that delivers what it claims about a second. */
  readonly size?: number
}

/** A challenge beside what the offer claims. */
export interface OfferChallenge {
  readonly verdict: ClaimVerdict
  readonly result: ChallengeResult
  /** Whether the work is proven and not below the claim. */
  readonly isGood: boolean
}

/** Without a claim: long enough to measure a small machine, short enough for a slow one. */
const usualSize = 2048
/** Larger ones take the asker seconds to check. */
const mostRows = { cpu: 4096, gpu: 16_384 }

/**
 * Challenges the machine of an offer through a gateway's relay: free, before any lease; or in the session of a lease.
 *
 * @throws MachineUnreachableError, ChallengeSizeError
 */
export async function challengeOffer(
  connection: Connection,
  options: ChallengeOfferOptions,
): Promise<OfferChallenge> {
  const { spec } = options.published
  const device = options.device ?? (spec.gpus.length > 0 ? 'gpu' : 'cpu')
  const session = await openMachineSession(connection, options)
  try {
    const result = await challengeMachine(session, {
      n: options.size ?? sizeFor(spec, device),
      device,
      ...(device === 'gpu' ? { gpus: Math.max(1, spec.gpus.length) } : {}),
    })
    const verdict = compareClaim(spec, result)
    return { verdict, result, isGood: verdict.type === 'met' || verdict.type === 'unclaimed' }
  } finally {
    session.close()
  }
}

function sizeFor({ measured, gpus }: Spec, device: 'cpu' | 'gpu'): number {
  const claimed =
    device === 'cpu'
      ? (measured?.cpuGflops ?? 0)
      : (1000 * (measured?.gpuTflops ?? 0)) / Math.max(1, gpus.length)
  return claimed === 0 ? usualSize : Math.min(mostRows[device], sizeForRate(claimed, 1))
}
