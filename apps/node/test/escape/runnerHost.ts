import type { RunnerTask } from '../../src/runners/runner.ts'
import { createSandboxRunner, type SandboxRunnerOptions } from '../../src/runners/sandbox/sandboxRunner.ts'
import { attempts } from './attempts.ts'
import { runInSandbox } from './runAttempts.ts'
import { finishJob } from './runTask.ts'

/**
 * A process that stands in for the node, to be killed or to run as another user. It reads one order as JSON from its first
 * argument and answers on stdout.
 */
export type HostOrder = { readonly options: SandboxRunnerOptions } & (
  | { readonly do: 'start'; readonly task: RunnerTask }
  | { readonly do: 'run'; readonly tasks: readonly RunnerTask[] }
  | { readonly do: 'attempts'; readonly envs: Readonly<Record<string, string>> }
)

const order = JSON.parse(process.argv[2] ?? '') as HostOrder
const runner = createSandboxRunner(order.options)
const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

// What was run is swept before it is answered for: the test may take the folder away at once.
const sweep = () => runner.sweep(new Set())

switch (order.do) {
  case 'start': {
    const job = await runner.start(order.task)
    answer({ started: job.id })
    await job.done
    break
  }
  case 'run': {
    const finished = []
    for (const task of order.tasks) finished.push(await finishJob(await runner.start(task)))
    await sweep()
    answer({ finished })
    break
  }
  case 'attempts': {
    const probe = await runner.probe()
    const outcomes = await runInSandbox(runner, attempts, { id: 'attempts', envs: order.envs })
    await sweep()
    answer({ probe, outcomes })
    break
  }
  default:
    order satisfies never
}
process.exit(0)
