import { existsSync } from 'node:fs'
import { connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { driveOrder } from '../jobs/driveOrder.ts'
import type { JobSummary } from '../jobs/finishOrder.ts'
import { findLease, openOrder } from '../jobs/order.ts'
import { type RunJobResult, runJob } from '../jobs/runJob.ts'
import { askToAgree } from '../output/ask.ts'
import { createOutput, type Output, toJson } from '../output/output.ts'
import { applyFlags, commandTask, type JobFlags, readEnvFlags } from '../tasks/commandTask.ts'
import { parseTaskFile } from '../tasks/parseTask.ts'
import type { Task } from '../tasks/task.ts'
import type { GlobalFlags } from './flags.ts'
import { createInterrupts } from './interrupts.ts'
import { exitCodeOfJob, formatPlan, formatSummary, jobReporter } from './reportJob.ts'

export interface RunFlags extends GlobalFlags, JobFlags {
  readonly yes?: boolean
  readonly duration: number
  readonly timeout?: number
  readonly where?: string
  readonly order: string
  readonly outputDir?: string
  readonly detach?: boolean
  readonly challenge?: boolean
  readonly haggle?: boolean
  readonly reserve?: string
  readonly resume?: string
  readonly summaryFile?: string
}

export async function runRun(words: readonly string[], flags: RunFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  if (flags.resume !== undefined) return resume(flags.resume, flags, output)
  if (flags.reserve !== undefined && flags.haggle !== true)
    throw new UsageError({
      message: '`--reserve` says how far to go in a haggle, and `--haggle` is not given.',
      remedy: 'Add `--haggle`, or limit the list price with `--max-price`.',
    })
  const task = readTask(words, flags)
  const connection = await connect(flags)
  const buyer = await openAccount(connection, flags)
  const interrupts = createInterrupts(output)
  const reporter = jobReporter(output)
  const leave = new AbortController()
  const result = await runJob({
    connection,
    buyer,
    task,
    duration: flags.duration,
    order: flags.order,
    ...(flags.timeout === undefined ? {} : { timeout: flags.timeout }),
    ...(flags.where === undefined ? {} : { where: flags.where }),
    ...(flags.outputDir === undefined ? {} : { outputDir: flags.outputDir }),
    challenge: flags.challenge === true,
    ...(flags.haggle === true ? { haggle: { reserve: flags.reserve ?? null } } : {}),
    detach: AbortSignal.any([interrupts.detach, leave.signal]),
    stop: interrupts.stop,
    onEvent(event) {
      reporter(event)
      if (event.event === 'opened') interrupts.arm(event.lease)
      if (flags.detach === true && event.event === 'state' && event.state === 'running') leave.abort()
    },
    async approve(plan) {
      if (!output.json) output.line(formatPlan(plan, task, buyer))
      await askToAgree('Hire it?', flags)
    },
  })
  finish(output, result, flags)
}

async function resume(prefix: string, flags: RunFlags, output: Output): Promise<void> {
  const connection = await connect(flags)
  const order = openOrder(connection.paths, findLease(connection.paths, prefix))
  try {
    const buyer: OpenAccount = await openAccount(connection, { wallet: order.state.terms.wallet, ...flags })
    const interrupts = createInterrupts(output)
    interrupts.arm(order.lease)
    const result = await driveOrder(
      {
        connection,
        buyer,
        onEvent: jobReporter(output),
        detach: interrupts.detach,
        stop: interrupts.stop,
        startedAt: performance.now(),
      },
      order,
    )
    finish(output, { ...result, startMs: null, firstLogMs: null }, flags)
  } finally {
    order.close()
  }
}

function finish(output: Output, result: RunJobResult, flags: RunFlags): void {
  const summary = { event: 'summary', ...result }
  output.result(summary, formatSummary(result))
  if (flags.summaryFile !== undefined) writeFileAtomic(flags.summaryFile, toJson(summary))
  process.exitCode = exitCodeOfJob(result satisfies JobSummary)
  // Sockets to gateways may linger; the work is done.
  setImmediate(() => process.exit())
}

/** A task file if the one word given names a file; else a command. */
function readTask(words: readonly string[], flags: RunFlags): Task {
  const cwd = process.cwd()
  const [first] = words
  if (first === undefined)
    throw new UsageError({
      message: 'Nothing to run.',
      remedy: 'Give a task file, or a command after `--`: millrace run -- echo hello',
    })
  const isFile =
    words.length === 1 && (/\.ya?ml$/i.test(first) || (existsSync(first) && !process.argv.includes('--')))
  if (!isFile) return commandTask(words, flags, cwd)
  const task = parseTaskFile(first, { envs: readEnvFlags(flags.env ?? [], process.env) })
  return applyFlags(task, flags, cwd)
}
