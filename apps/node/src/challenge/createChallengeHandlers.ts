import { randomUUID } from 'node:crypto'
import { parse, type SessionHandler, type SessionRequest } from '@millrace/sdk'
import { challengeSizes, isChallengeSize, mostOpenings, revealChunk } from '@millrace/sdk/challenge'
import type { Hex } from 'viem'
import { z } from 'zod'
import { mostRows } from './cpuLayout.ts'
import type { GpuEngine } from './engines.ts'
import {
  ChallengeBusyError,
  ChallengeRefusedError,
  ChallengeRevealedError,
  ChallengeTimeoutError,
  ChallengeTooLargeError,
  ChallengeUnknownError,
  ChallengeUnsupportedError,
} from './errors.ts'
import { multiplyOnCpu } from './multiplyOnCpu.ts'
import type { Engine, Product } from './product.ts'

export interface ChallengeHandlerOptions {
  /** Threads for the product: the CPUs that are offered, rounded up. */
  readonly cpus: number
  readonly cpuModel: string
  /** Bytes of memory that a challenge may take. */
  readonly memoryBytes: number
  /** From `gpuEngine(machine)`; null or left out where challenges of GPUs are refused. */
  readonly gpu?: GpuEngine | null
  /** Says why a challenge from this session is refused now, or null; for example while others' jobs are running. */
  readonly refuse?: (request: SessionRequest) => string | null
  /** Longest time for a product in milliseconds; 120,000 by default. */
  readonly timeoutMs?: number
  /** How long a commitment waits for its reveal, and between the reveal's pieces; 20,000 ms by default. */
  readonly expiryMs?: number
}

/** Handlers of the session's `challenge.*` methods (protocol §9). */
export interface ChallengeHandlers {
  readonly 'challenge.begin': SessionHandler
  readonly 'challenge.reveal': SessionHandler
  /** Ends what is running and frees everything. */
  close(): Promise<void>
}

const rowsSchema = z.int().refine(isChallengeSize, {
  error: `must be a multiple of ${challengeSizes.step} from ${challengeSizes.least} to ${challengeSizes.most}`,
})
const seedSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 32 bytes: 0x and 64 hex digits')
  .transform((value) => value.toLowerCase() as Hex)
const beginSchema = z.object({
  n: rowsSchema,
  seed: seedSchema,
  device: z.enum(['cpu', 'gpu']),
  gpus: z.int().min(1).max(64).optional(),
})
const revealSchema = z.object({
  id: z.string().max(64),
  r: seedSchema,
  rows: z.array(z.int().nonnegative()).min(1).max(mostOpenings),
  offset: z.int().nonnegative(),
})

interface Open {
  readonly id: string
  readonly n: number
  readonly product: Product
  readonly session: SessionRequest['session']
  timer: NodeJS.Timeout
  revealed: { readonly key: string; readonly bytes: Promise<Uint8Array> } | null
}

/**
 * The machine's side of the capacity challenge. One at a time: the next begins when the one before was read to its
 * end or has expired. The commitment can be opened once, only by the session that began it, and nothing is kept.
 *
 * @example
 * const challenge = createChallengeHandlers({ cpus: 2, cpuModel, memoryBytes: 2 ** 30 })
 * await acceptSession({ …, handlers: { ...others, ...challenge } })
 */
export function createChallengeHandlers(options: ChallengeHandlerOptions): ChallengeHandlers {
  const { timeoutMs = 120_000, expiryMs = 20_000 } = options
  const threads = Math.max(1, Math.ceil(options.cpus))
  const onCpu = multiplyOnCpu({ threads, name: options.cpuModel })
  let running: AbortController | null = null
  let open: Open | null = null

  const drop = async (which: Open) => {
    clearTimeout(which.timer)
    if (open === which) open = null
    await which.product.close()
  }
  const expire = (which: () => Open | null) => {
    const timer = setTimeout(() => {
      const found = which()
      if (found !== null) void drop(found)
    }, expiryMs)
    timer.unref()
    return timer
  }
  const engineFor = (params: z.output<typeof beginSchema>): Engine => {
    const { n, device, gpus = 1 } = params
    if (device === 'cpu') {
      const most = mostRows(options.memoryBytes, threads)
      if (n > most) throw new ChallengeTooLargeError({ n, most })
      return onCpu
    }
    const { gpu } = options
    if (gpu === undefined || gpu === null)
      throw new ChallengeUnsupportedError('it has no GPU with CUDA and PyTorch')
    if (gpus > gpu.count)
      throw new ChallengeUnsupportedError(`it has ${gpu.count} GPUs where ${gpus} are asked for`)
    if (n > gpu.mostRows) throw new ChallengeTooLargeError({ n, most: gpu.mostRows })
    return gpu.engine(gpus)
  }

  return {
    'challenge.begin': async (request) => {
      const params = parse(beginSchema, request.params, 'challenge')
      const refused = options.refuse?.(request) ?? null
      if (refused !== null) throw new ChallengeRefusedError(refused)
      const engine = engineFor(params)
      if (running !== null || open !== null) throw new ChallengeBusyError()
      const abort = new AbortController()
      running = abort
      const timer = setTimeout(() => abort.abort(new ChallengeTimeoutError(timeoutMs)), timeoutMs)
      // Whoever leaves gives the machine back.
      void request.session.closed.then(async () => {
        abort.abort(new ChallengeRefusedError('the session ended'))
        if (open?.session === request.session) await drop(open)
      })
      const began = performance.now()
      try {
        const product = await engine({ n: params.n, seed: params.seed }, abort.signal)
        const made: Open = {
          id: randomUUID(),
          n: params.n,
          product,
          session: request.session,
          timer: expire(() => made),
          revealed: null,
        }
        open = made
        const ms = performance.now() - began
        return { result: { id: made.id, ms, engine: product.engine, units: product.units } }
      } finally {
        clearTimeout(timer)
        running = null
      }
    },
    'challenge.reveal': async (request) => {
      const params = parse(revealSchema, request.params, 'reveal')
      const found = open
      if (found === null || found.id !== params.id || found.session !== request.session) {
        throw new ChallengeUnknownError(params.id)
      }
      const { n, product } = found
      const { r, rows, offset } = parse(
        revealSchema.refine(
          (value) => new Set(value.rows).size === value.rows.length && value.rows.every((row) => row < n),
          { error: `must be distinct rows below ${n}`, path: ['rows'] },
        ),
        request.params,
        'reveal',
      )
      const key = JSON.stringify([r, rows])
      if (found.revealed !== null && found.revealed.key !== key) throw new ChallengeRevealedError()
      found.revealed ??= { key, bytes: product.open(r, rows) }
      clearTimeout(found.timer)
      found.timer = expire(() => found)
      const bytes = await found.revealed.bytes
      const body = bytes.subarray(offset, offset + revealChunk)
      if (offset + body.length >= bytes.length) await drop(found)
      return { result: { size: bytes.length }, body }
    },
    close: async () => {
      running?.abort(new ChallengeRefusedError('the node is stopping'))
      if (open !== null) await drop(open)
    },
  }
}
