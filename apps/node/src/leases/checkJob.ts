import type { Job, Spec } from '@millrace/sdk'
import { JobTooLargeError } from './errors.ts'

/** Checks that a job fits into what was leased. Throws `JobTooLargeError`. */
export function checkJob(job: Job, spec: Spec): void {
  const { resources } = job
  const limits = [
    { what: 'CPUs', asked: resources.cpus, allowed: spec.cpus },
    { what: 'MiB of memory', asked: resources.memoryMiB, allowed: spec.memoryMiB },
    { what: 'MiB of disk', asked: resources.diskMiB, allowed: spec.diskMiB },
    { what: 'GPUs', asked: resources.gpus, allowed: spec.gpus.length },
  ]
  for (const limit of limits) if (limit.asked > limit.allowed) throw new JobTooLargeError(limit)
  if (resources.network === 'public' && spec.network !== 'public') {
    throw new JobTooLargeError({ what: 'network', asked: 'public', allowed: spec.network })
  }
}
