import { bytesToHex, type Hex } from 'viem'
import { z } from 'zod'
import { hashSchema } from '../border/primitives.ts'
import { MillraceError } from '../errors/MillraceError.ts'
import { SessionRequestError } from '../errors/session.ts'
import type { SessionAnswer } from '../session/openSession.ts'
import { ChallengeSizeError } from './errors.ts'
import { challengeSizes, isChallengeSize, mostOpenings } from './limits.ts'
import { openingSize } from './opening.ts'
import { missedShare } from './tolerance.ts'
import { type OpeningVerdict, verifyOpening } from './verifyOpening.ts'

/** What of a session a challenge needs. */
export interface ChallengeSession {
  request(
    method: `challenge.${string}`,
    params: Readonly<Record<string, unknown>>,
    body?: Uint8Array,
    options?: { readonly timeout?: number },
  ): Promise<SessionAnswer<unknown>>
}

export interface ChallengeOptions {
  /** Rows of the matrices, a multiple of 64; 2048 by default: 17 billion operations and 16 MB a matrix. */
  readonly n?: number
  readonly device?: 'cpu' | 'gpu'
  /** How many GPUs must multiply at the same time, each its own matrices. 1 by default; only with `device` gpu. */
  readonly gpus?: number
  /** Rows to open; 40 by default. */
  readonly openings?: number
  /** Longest time for the product, and again for the opening, in milliseconds; 120,000 by default. */
  readonly timeout?: number
  /** Source of 32 fresh random bytes; the platform's by default. */
  readonly random?: (length: number) => Uint8Array
  /** Clock in milliseconds; the platform's by default. */
  readonly clock?: () => number
}

/** One reason why a machine did not pass. */
export interface ChallengeReason {
  /** `SIZE`, `PRODUCT_WRONG`, `ROW_NOT_COMMITTED`, `ROW_WRONG`, `UNITS`, `ANSWER`, or the code of the machine's or the session's error. */
  readonly code: string
  readonly message: string
}

/** What a challenge found. */
export interface ChallengeResult {
  readonly passed: boolean
  /** Measured rate in 10⁹ operations (additions and multiplications) a second by the asker's clock; 0 if not passed. */
  readonly gflops: number
  /** From asking to having the commitment, in milliseconds by the asker's clock, the way there and back included. */
  readonly ms: number
  /** Largest residual over the tolerance. */
  readonly residual: number
  readonly reasons: readonly ChallengeReason[]
  /** A machine that left out more than this share of the rows was found out with 99 % probability. */
  readonly missedShare: number
  readonly n: number
  readonly device: 'cpu' | 'gpu'
  /** The parts that multiplied: the CPU, or each GPU. */
  readonly units: readonly { readonly name: string; readonly uuid: string | null }[]
  /** What computed it, as the machine says: `wasm`, `numpy`, `torch`. */
  readonly engine: string | null
}

const beginSchema = z.object({
  id: z.string().min(1).max(64),
  engine: z.string().max(64),
  ms: z.number().nonnegative(),
  units: z
    .array(z.object({ name: z.string().max(128), uuid: z.string().max(64).nullable(), root: hashSchema }))
    .min(1)
    .max(64),
})
const revealSchema = z.object({ size: z.int().nonnegative() })

/**
 * Challenges a machine to multiply two matrices that it cannot know beforehand, and measures how fast it does
 * (protocol §9): a fresh seed goes out, the machine commits to the product, and only then it learns how it is checked.
 * What the machine does wrong is a reason in the result, never an exception.
 *
 * @param session A session with the machine; one without a lease will do.
 * @param options Size, device, openings, times in milliseconds.
 * @returns Whether the product is proven, the measured rate and the reasons if not.
 * @throws ChallengeSizeError for options outside the limits.
 * @example
 * const result = await challengeMachine(session, { n: 2048 })
 * console.log(result.passed, result.gflops)
 */
export async function challengeMachine(
  session: ChallengeSession,
  options: ChallengeOptions = {},
): Promise<ChallengeResult> {
  const { n = 2048, device = 'cpu', gpus = 1, openings = 40, timeout = 120_000 } = options
  if (!isChallengeSize(n)) {
    const { least, most, step } = challengeSizes
    throw new ChallengeSizeError({
      what: 'size',
      value: n,
      allowed: `${least} to ${most} in steps of ${step}`,
    })
  }
  if (!(Number.isSafeInteger(openings) && openings >= 1 && openings <= mostOpenings)) {
    throw new ChallengeSizeError({
      what: 'number of openings',
      value: openings,
      allowed: `1 to ${mostOpenings}`,
    })
  }
  const random = options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length)))
  const clock = options.clock ?? (() => performance.now())
  const wanted = device === 'gpu' ? gpus : 1
  const failed = (reasons: readonly ChallengeReason[], ms: number): ChallengeResult => ({
    ...{
      passed: false,
      gflops: 0,
      ms,
      residual: Number.POSITIVE_INFINITY,
      reasons,
      n,
      device,
      units: [],
      engine: null,
    },
    missedShare: missedShare(openings, 0.01),
  })

  const seed = bytesToHex(random(32))
  const began = clock()
  let ms = 0
  try {
    const begin = await session.request(
      'challenge.begin',
      { n, seed, device, ...(device === 'gpu' ? { gpus } : {}) },
      undefined,
      { timeout },
    )
    ms = clock() - began
    const commitment = beginSchema.parse(begin.result)
    const { units, engine } = commitment
    const uuids = new Set(units.map(({ uuid }, index) => uuid ?? index))
    if (units.length !== wanted || uuids.size !== wanted) {
      const message = `${units.length} units answered, ${uuids.size} of them different, where ${wanted} were asked for.`
      return failed([{ code: 'UNITS', message }], ms)
    }
    // From here on the roots are fixed; only now does anyone but us know r and the rows.
    const r = bytesToHex(random(32))
    const rows = distinctRows(n, openings, random)
    const body = await readReveal(session, {
      id: commitment.id,
      r,
      rows,
      timeout,
      size: wanted * openingSize(n, rows),
    })
    const size = openingSize(n, rows)
    const verdicts: OpeningVerdict[] = []
    for (const [unit, { root }] of units.entries()) {
      const part = body.subarray(unit * size, (unit + 1) * size)
      verdicts.push(await verifyOpening({ n, seed, unit, root, r, rows, body: part }))
    }
    const reasons = verdicts.flatMap(({ problems }) => problems)
    const passed = reasons.length === 0
    return {
      ...failed(reasons, ms),
      passed,
      gflops: passed ? (2 * n ** 3 * wanted) / ms / 1e6 : 0,
      residual: Math.max(...verdicts.map(({ residual }) => residual)),
      units: units.map(({ name, uuid }) => ({ name, uuid })),
      engine,
    }
  } catch (error) {
    if (error instanceof MillraceError) {
      // The machine's own code says more than that it answered with one.
      const code = error instanceof SessionRequestError ? error.reason : error.code
      return failed([{ code, message: error.message }], ms)
    }
    if (error instanceof z.ZodError) {
      const message = `The machine's answer is not of the agreed form: ${error.issues[0]?.message ?? ''}.`
      return failed([{ code: 'ANSWER', message }], ms)
    }
    throw error
  }
}

async function readReveal(
  session: ChallengeSession,
  options: { id: string; r: Hex; rows: readonly number[]; timeout: number; size: number },
): Promise<Uint8Array> {
  const { id, r, rows, timeout, size } = options
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const { result, body } = await session.request(
      'challenge.reveal',
      { id, r, rows, offset: at },
      undefined,
      { timeout },
    )
    const said = revealSchema.parse(result).size
    // A wrong size is the verifier's to name; an empty or overlong piece would never end.
    if (said !== size || body.length === 0 || body.length > size - at) return new Uint8Array()
    bytes.set(body, at)
    at += body.length
  }
  return bytes
}

/** Distinct rows, uniformly drawn: 32 random bits modulo n, whose bias is below n/2³². */
function distinctRows(n: number, count: number, random: (length: number) => Uint8Array): readonly number[] {
  const rows = new Set<number>()
  while (rows.size < count) {
    const bytes = random(4)
    rows.add(new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) % n)
  }
  return [...rows]
}
