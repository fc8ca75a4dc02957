import type { Spec } from '../market/spec.ts'
import type { ChallengeResult } from './challengeMachine.ts'

/** How a machine's claim stands against what was measured. */
export type ClaimVerdict =
  | {
      readonly type: 'met'
      readonly claimed: number
      readonly measured: number
      readonly ratio: number
      readonly text: string
    }
  | {
      readonly type: 'below'
      readonly claimed: number
      readonly measured: number
      readonly ratio: number
      readonly text: string
    }
  | { readonly type: 'unclaimed'; readonly measured: number; readonly text: string }
  | { readonly type: 'unproven'; readonly text: string }

/** Share of the claimed rate that must be measured: clocks, other load and the network take a part. */
export const claimTolerance = 0.75

/**
 * Compares an offer's measured figures with a challenge's result, in a sentence for the buyer.
 *
 * @param spec What the offer promises; `measured` holds the claim in 10⁹ (CPU) and 10¹² (GPU) operations a second.
 * @param result The challenge.
 * @returns `met` or `below` with the ratio, `unclaimed` where the offer names no rate, `unproven` where the challenge failed.
 * @example
 * console.log(compareClaim(offer.spec, await challengeMachine(session)).text)
 */
export function compareClaim(spec: Pick<Spec, 'measured' | 'gpus'>, result: ChallengeResult): ClaimVerdict {
  if (!result.passed) {
    const why = result.reasons.map(({ message }) => message).join(' ')
    return { type: 'unproven', text: `The machine did not prove its work. ${why}`.trim() }
  }
  const missing = missingGpu(spec, result)
  if (missing !== null) return { type: 'unproven', text: missing }
  const measured = result.gflops
  const claimed = claimedGflops(spec, result)
  if (claimed === 0) {
    return { type: 'unclaimed', measured, text: `Measured ${rate(measured)}; the offer claims no rate.` }
  }
  const ratio = measured / claimed
  const share = `${Math.round(100 * ratio)} % of the ${rate(claimed)} it claims`
  return ratio >= claimTolerance
    ? { type: 'met', claimed, measured, ratio, text: `Measured ${rate(measured)}, ${share}.` }
    : {
        type: 'below',
        claimed,
        measured,
        ratio,
        text: `The machine claims more than it delivers: measured ${rate(measured)}, ${share}.`,
      }
}

/** The claim for as many units as were measured. */
function claimedGflops({ measured, gpus }: Pick<Spec, 'measured' | 'gpus'>, result: ChallengeResult): number {
  if (measured === undefined) return 0
  if (result.device === 'cpu') return measured.cpuGflops
  return (1000 * measured.gpuTflops * result.units.length) / Math.max(1, gpus.length)
}

function missingGpu({ gpus }: Pick<Spec, 'measured' | 'gpus'>, result: ChallengeResult): string | null {
  if (result.device === 'cpu') return null
  const promised = new Set(gpus.map(({ uuid }) => uuid))
  const foreign = result.units.find(({ uuid }) => uuid === null || !promised.has(uuid))
  return foreign === undefined
    ? null
    : `GPU "${foreign.uuid ?? 'without a UUID'}" answered, which is not among those offered.`
}

function rate(gflops: number): string {
  return gflops >= 1000 ? `${(gflops / 1000).toFixed(1)} TFLOPS` : `${gflops.toFixed(1)} GFLOPS`
}
