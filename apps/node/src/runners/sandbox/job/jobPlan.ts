import type { RunnerTask } from '../../runner.ts'
import type { CgroupPlacement } from '../cgroup/cgroupPlacement.ts'

/** Everything the supervisor needs to run one job; written by the runner before the supervisor is started. */
export interface JobPlan {
  readonly task: RunnerTask
  readonly cgroup: CgroupPlacement
  /** The job's uid and gid on the host; `null` if it runs as the node's own user in a user namespace. */
  readonly uid: number | null
  readonly disk: 'loop' | 'tmpfs'
  /** Absolute paths of what is started. */
  readonly tools: SandboxTools
  /** Device files of the leased GPUs. */
  readonly gpuDevices: readonly string[]
  /** Layers left out. Empty always, except in the escape suite's positive controls, which show that a layer matters. */
  readonly without: readonly SandboxLayer[]
}

export interface SandboxTools {
  readonly bwrap: string
  readonly node: string
  readonly slirp4netns: string | null
  /** Flags with which slirp4netns confines itself, as far as this build of it has them. */
  readonly slirpFlags: readonly string[]
}

export type SandboxLayer = 'seccomp' | 'memory-limit' | 'process-limit'
