import type { Runner, RunnerLimits, RunnerResult, RunnerTask, RunningJob } from '../../src/runners/runner.ts'

export interface TaskChanges extends Omit<Partial<RunnerTask>, 'limits'> {
  readonly limits?: Partial<RunnerLimits>
}

/** A small task that ends within a minute; `changes` says what matters to the test. */
export function taskOf(id: string, run: string, changes: TaskChanges = {}): RunnerTask {
  return {
    id,
    bundle: null,
    run,
    envs: {},
    outputs: ['out/**'],
    gpus: [],
    deadline: Date.now() / 1000 + 60,
    ...changes,
    limits: {
      cpus: 2,
      memoryBytes: 256 << 20,
      diskBytes: 32 << 20,
      inodes: 2000,
      processes: 64,
      logBytes: 256 << 10,
      outputBytes: 4 << 20,
      network: 'none',
      ...changes.limits,
    },
  }
}

export interface Finished {
  readonly result: RunnerResult
  readonly stdout: string
  readonly stderr: string
  readonly system: string
}

/** Start a task and wait for its end and its log. */
export async function finish(runner: Runner, task: RunnerTask): Promise<Finished> {
  return finishJob(await runner.start(task))
}

export async function finishJob(job: RunningJob): Promise<Finished> {
  const texts = { stdout: '', stderr: '', system: '' }
  for await (const { stream, bytes } of job.readLog({ from: 0, follow: true }))
    texts[stream] += Buffer.from(bytes).toString('latin1')
  return { result: await job.done, ...texts }
}
