import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openingSize } from '@millrace/sdk/challenge'
import { z } from 'zod'
import { ChallengeFailedError } from './errors.ts'
import type { Engine, Product, ProductTask, Unit } from './product.ts'
import { pythonProgram } from './pythonProgram.ts'

export interface PythonEngineOptions {
  /** `torch` multiplies on GPUs, `numpy` on the CPU. */
  readonly engine: 'torch' | 'numpy'
  /** The Python to run; `python3` by default. */
  readonly python?: string
  /** The GPUs to use, by UUID, one unit each; for `numpy` one unit without a UUID. */
  readonly units: readonly Unit[]
  /** Threads for `numpy`. */
  readonly threads?: number
}

const commitmentSchema = z.array(z.object({ name: z.string(), root: z.custom<`0x${string}`>(isRoot) }))

/** An engine that hands the product to Python. Each product is a process of its own, which ends with it. */
export function multiplyInPython(options: PythonEngineOptions): Engine {
  return async (task, signal) => {
    signal.throwIfAborted()
    const child = start(options, task)
    const onAbort = () => child.kill('SIGKILL')
    signal.addEventListener('abort', onAbort)
    try {
      const output = readOutput(child)
      const line = await output.line()
      const units = commitmentSchema.parse(JSON.parse(line)).map(({ name, root }, index) => ({
        // A GPU is bound by its UUID, so it is the one that was asked for; its name is what the driver says now.
        name: options.units[index]?.uuid === null ? (options.units[index]?.name ?? name) : name,
        uuid: options.units[index]?.uuid ?? null,
        root,
      }))
      return committed(child, output, { units, engine: options.engine, n: task.n })
    } catch (cause) {
      child.kill('SIGKILL')
      if (signal.aborted) throw signal.reason
      throw cause instanceof ChallengeFailedError
        ? cause
        : new ChallengeFailedError('Python answered in another form', cause)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}

function start(options: PythonEngineOptions, { n, seed }: ProductTask): ChildProcessWithoutNullStreams {
  const { engine, python = 'python3', units, threads } = options
  const uuids = units.flatMap(({ uuid }) => (uuid === null ? [] : [uuid]))
  const count =
    threads === undefined ? {} : { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) }
  const child = spawn(
    python,
    ['-I', '-c', pythonProgram, engine, String(n), seed.slice(2), String(units.length)],
    {
      stdio: 'pipe',
      env: {
        ...process.env,
        ...count,
        ...(uuids.length > 0 ? { CUDA_VISIBLE_DEVICES: uuids.join(',') } : {}),
      },
    },
  )
  // A process that is gone shows at its output's end; a write to it that fails says nothing more.
  child.stdin.on('error', () => undefined)
  return child
}

function committed(
  child: ChildProcessWithoutNullStreams,
  output: ReturnType<typeof readOutput>,
  made: Pick<Product, 'units' | 'engine'> & { readonly n: number },
): Product {
  return {
    units: made.units,
    engine: made.engine,
    open: async (r, rows) => {
      child.stdin.write(`${JSON.stringify({ r, rows })}\n`)
      return output.bytes(made.units.length * openingSize(made.n, rows))
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Reads a line, then a number of bytes, from a process's standard output; rejects with its last words when it ends before. */
function readOutput(child: ChildProcessWithoutNullStreams) {
  let chunks: Buffer[] = []
  let said = ''
  let ended: Error | null = null
  let wake = () => {}
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    wake()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2000)
  })
  const end = (cause?: unknown) => {
    ended ??= new ChallengeFailedError(
      `Python ended: ${said.trim().split('\n').at(-1) || 'no message'}`,
      cause,
    )
    wake()
  }
  child.on('error', end)
  child.on('close', () => end())

  const until = async (enough: (bytes: Buffer) => number): Promise<Buffer> => {
    for (let size = -1; ; ) {
      const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      if (total !== size) {
        size = total
        const bytes = Buffer.concat(chunks)
        const length = enough(bytes)
        chunks = [bytes.subarray(Math.max(0, length))]
        if (length >= 0) return bytes.subarray(0, length)
        chunks = [bytes]
      }
      if (ended !== null) throw ended
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    line: async () => (await until((bytes) => bytes.indexOf(10) + 1 || -1)).toString('utf8'),
    bytes: async (length: number): Promise<Uint8Array> =>
      until((bytes) => (bytes.length >= length ? length : -1)),
  }
}

function isRoot(value: unknown): boolean {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)
}
