import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { MeterReading, RevenueQuestion, Transfer } from '@millrace/risk/fraud'
import { ExaminationFailed } from './errors.ts'
import type { Examination, ExaminerAnswer, ExaminerOrder, ExaminerTask } from './examinerOrders.ts'

/** A thread of its own that keeps ledgers and examines them: a search takes seconds, and a gateway has other clients. */
export interface Examiner {
  /** Opens an empty ledger; one of the same key is replaced. `unit`: as for `createLedger`. */
  readonly open: (key: string, unit: bigint) => Promise<void>
  /** Keeps the first `keep` transfers of a ledger and adds others. */
  readonly change: (
    key: string,
    change: { readonly keep: number; readonly transfers: readonly Transfer[] },
  ) => Promise<void>
  /** All transfers of a ledger; for tests. */
  readonly dump: (key: string) => Promise<readonly Transfer[]>
  /** Related accounts that never moved anything are left out. */
  readonly examine: (
    key: string,
    asked: { readonly question: RevenueQuestion; readonly meter?: MeterReading },
  ) => Promise<Examination>
  /** Ends the thread; what waits for it fails with {@link ExaminationFailed}. */
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly resolve: (value: ExaminerAnswer['value']) => void
  readonly reject: (error: unknown) => void
}

/**
 * Starts an examiner; its thread starts with the first order, and again with the next one after it died. What waited for it then fails
 * with {@link ExaminationFailed}, and so does what is asked of a ledger that it had: whoever filled it opens it again.
 */
export function startExaminer(): Examiner {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let last = 0

  function start(): Worker {
    const started = new Worker(...entry())
    // The gateway's server keeps the process; this thread does not.
    started.unref()
    started.on('message', ({ id, value, error }: ExaminerAnswer) => {
      const asked = waiting.get(id)
      waiting.delete(id)
      if (error === null) asked?.resolve(value)
      else asked?.reject(new ExaminationFailed(error))
    })
    let reason: unknown
    started.on('error', (error) => {
      reason = error
    })
    started.on('exit', (code) => {
      if (worker === started) worker = undefined
      const all = [...waiting.values()]
      waiting.clear()
      const why = reason instanceof Error ? reason.message : `its thread ended with ${code}`
      for (const { reject } of all) reject(new ExaminationFailed(why))
    })
    return started
  }

  function order(key: string, task: ExaminerTask): Promise<ExaminerAnswer['value']> {
    return new Promise((resolve, reject) => {
      worker ??= start()
      const id = ++last
      waiting.set(id, { resolve, reject })
      worker.postMessage({ ...task, key, id } satisfies ExaminerOrder)
    })
  }
  return {
    open: async (key, unit) => {
      await order(key, { type: 'open', unit })
    },
    change: async (key, change) => {
      await order(key, { type: 'change', ...change })
    },
    dump: async (key) => (await order(key, { type: 'dump' })) as readonly Transfer[],
    examine: async (key, asked) => (await order(key, { type: 'examine', ...asked })) as Examination,
    close: async () => {
      // What it answers while it ends is not delivered: whoever waited is told one thing however fast it was.
      worker?.removeAllListeners('message')
      await worker?.terminate()
    },
  }
}

/** The built thread where this is built, else its source, which a thread of Node 20 reads only if it asks for the loader itself. */
function entry(): ConstructorParameters<typeof Worker> {
  if (!import.meta.url.endsWith('.ts'))
    return [new URL('./evidence/examiner.worker.js', import.meta.url), { execArgv: [] }]
  const source = new URL('./examiner.worker.ts', import.meta.url).href
  // Of the loader's two forms `require` would find the other one.
  const found = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs')
  const tsx = pathToFileURL(found).href
  const program = `import(${JSON.stringify(tsx)}).then(({ register }) => {
    register()
    return import(${JSON.stringify(source)})
  })`
  return [program, { eval: true, execArgv: ['--conditions=source'] }]
}
