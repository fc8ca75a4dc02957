import {
  openSession,
  type PublishedOffer,
  SessionTimeoutError,
  type Spec,
  type Transport,
} from '@millrace/sdk'
import { type ChallengeResult, challengeMachine, compareClaim, sizeForRate } from '@millrace/sdk/challenge'
import type { Address } from 'viem'
import type { Finding } from './Finding.ts'

export interface ChallengeDeviceOptions {
  readonly published: Pick<PublishedOffer, 'spec' | 'market' | 'chainId'>
  /** Dials the device, or `undefined` where it is not connected here. */
  readonly dial: (device: Address) => Transport | undefined
  /** Unix seconds. */
  readonly now: number
  /** Longest time for one product, and again for its opening, in milliseconds. */
  readonly timeoutMs: number
}

/** Rows of the product that every machine must prove: a thousandth of a second of a fast processor. */
const SMALL = 512
/** Rows above which checking costs a gateway more than a second's tenths; larger claims are for buyers to challenge. */
const MOST = 4096
/** How long the product takes that a claim is judged by, in seconds; starting threads and the way there weigh little then. */
const SECONDS = 0.5
/** Shortest time at the claimed rate that still judges it, in seconds. */
const LEAST_SECONDS = 0.2
/** Longest time for that product, in milliseconds: a machine that needs ten times as long as it claims has not met it. */
const LONG_MS = 5_000
/** Other work may slow a machine down now and then; the best counts. */
const TRIES = 3

/**
 * Challenges a device without a lease and holds what it delivers against what its spec claims: a small product first,
 * then, where the spec names a rate, one just large enough to judge it.
 *
 * @returns What was found; `undefined` where the device is not connected here.
 */
export async function challengeDevice(options: ChallengeDeviceOptions): Promise<Finding | undefined> {
  const { published, dial, now, timeoutMs } = options
  const { spec } = published
  const base = { at: now, device: 'cpu', measured: null, claimed: claimOf(spec) } as const
  // At small sizes a GPU shows nothing: its start takes longer than the product, and a processor could stand in for it.
  if (spec.gpus.length > 0) {
    const text = 'GPUs need larger products than a gateway checks; `millrace challenge` asks for one.'
    return { ...base, device: 'gpu', claimed: null, verdict: 'unchecked', code: 'GPU_UNCHECKED', text }
  }
  const transport = dial(spec.device)
  if (transport === undefined) return undefined
  const session = await openSession({
    transport,
    sessionKey: spec.sessionKey,
    lease: null,
    chainId: published.chainId,
    market: published.market,
    now,
    timeout: timeoutMs,
  })
  try {
    let result = await challengeMachine(session, { n: SMALL, timeout: timeoutMs })
    let verdict = compareClaim(spec, result)
    const size = base.claimed === null ? SMALL : Math.min(MOST, sizeForRate(base.claimed, SECONDS))
    for (let tries = 0; verdict.type === 'below' && tries < TRIES; tries++) {
      const again = await challengeMachine(session, { n: size, timeout: Math.min(timeoutMs, LONG_MS) })
      if (!again.passed) return { ...base, ...judgeUnproven(again, verdict.claimed), measured: result.gflops }
      if (again.gflops > result.gflops) result = again
      verdict = compareClaim(spec, result)
    }
    switch (verdict.type) {
      case 'met':
        return { ...base, verdict: 'met', code: null, text: verdict.text, measured: result.gflops }
      case 'unclaimed':
        // A product this small is over before it says anything of a rate.
        return { ...base, verdict: 'unclaimed', code: null, text: 'Proven; the offer claims no rate.' }
      case 'below':
        return { ...base, ...judgeBelow(verdict, size), measured: result.gflops }
      case 'unproven':
        return { ...base, verdict: 'unproven', code: codeOf(result), text: verdict.text }
      default:
        return verdict satisfies never
    }
  } finally {
    session.close()
  }
}

/** Where even the largest product is over in a moment, the way there and back is what was measured. */
function judgeBelow(
  { claimed, text }: { readonly claimed: number; readonly text: string },
  size: number,
): Pick<Finding, 'verdict' | 'code' | 'text'> {
  if ((2 * size ** 3) / (claimed * 1e9) >= LEAST_SECONDS)
    return { verdict: 'below', code: 'CLAIM_BELOW', text }
  return {
    verdict: 'unchecked',
    code: 'CLAIM_UNCHECKED',
    text: `The claim of ${claimed.toFixed(0)} GFLOPS needs larger products than a gateway checks; \`millrace challenge\` asks for one.`,
  }
}

/** A machine that proved a small product but not the one that its claim makes half a second of. */
function judgeUnproven(result: ChallengeResult, claimed: number): Pick<Finding, 'verdict' | 'code' | 'text'> {
  const code = codeOf(result)
  const rows = `${result.n}×${result.n}`
  if (code === SessionTimeoutError.code) {
    const text = `The machine claims more than it delivers: a product of ${rows}, half a second of the ${claimed.toFixed(1)} GFLOPS it claims, took more than ${LONG_MS / 1000} s.`
    return { verdict: 'below', code: 'CLAIM_BELOW', text }
  }
  const why = result.reasons.map(({ message }) => message).join(' ')
  return {
    verdict: 'unproven',
    code,
    text: `The product of ${rows} that its claim needs is not proven. ${why}`,
  }
}

const claimOf = ({ measured }: Spec) =>
  measured === undefined || measured.cpuGflops === 0 ? null : measured.cpuGflops
const codeOf = ({ reasons }: ChallengeResult) => reasons[0]?.code ?? 'UNPROVEN'
