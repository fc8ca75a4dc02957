import type { LeaseRecord } from '../journal/entries.ts'
import type { RunnerTask } from '../runners/runner.ts'

const MIB = 1024 * 1024

/** Limits that the configuration sets for every job. */
export interface RunnerCaps {
  readonly logBytes: number
  readonly outputBytes: number
  readonly processes: number
  readonly inodes: number
}

/** What the runner is given for a lease: the job's own limits, which were checked to be within the lease's. */
export function runnerTask(
  record: LeaseRecord,
  options: { bundle: string | null; deadline: number; caps: RunnerCaps },
): RunnerTask {
  const { bundle, deadline, caps } = options
  const { spec } = record
  const job = record.job?.job
  return {
    id: record.lease,
    bundle,
    ...(job?.setup === undefined ? {} : { setup: job.setup }),
    run: job?.run ?? 'exit 1',
    envs: job?.envs ?? {},
    outputs: job?.outputs ?? [],
    limits: {
      // The buyer pays for the whole lease, so the job gets all of it; what it asks for is a least.
      cpus: spec.cpus,
      memoryBytes: spec.memoryMiB * MIB,
      diskBytes: spec.diskMiB * MIB,
      inodes: caps.inodes,
      processes: caps.processes,
      logBytes: caps.logBytes,
      outputBytes: Math.min(caps.outputBytes, spec.diskMiB * MIB),
      network: job?.resources.network ?? 'none',
    },
    gpus: spec.gpus.map((gpu) => gpu.uuid),
    deadline,
  }
}
