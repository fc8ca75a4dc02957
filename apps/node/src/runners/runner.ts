/**
 * A runner executes one job on this machine and keeps it inside its limits.
 *
 * The node daemon talks to every runner through this interface: `sandbox` runs the job here under bubblewrap,
 * a cluster runner hands it to a scheduler. A runner remembers a started job on disk, so that the node can be
 * killed at any moment, start again, and `attach` to what is still running or has ended meanwhile.
 */
export interface Runner {
  readonly kind: 'sandbox'

  /** Can this machine run jobs, and with which protections? Never throws: a missing tool is an answer with a remedy. */
  probe(): Promise<RunnerProbe>

  /**
   * Start a job. Idempotent per `task.id`: a job that was started is never started twice, whatever was killed in
   * between; a second call returns the job that is running or has ended.
   * Throws a `RunnerError`: `EnvironmentRefusedError`, `NetworkUnavailableError`, `RunnerUnavailableError`, or a
   * `BundleError` if the bundle cannot be unpacked safely. After a throw nothing is left behind and nothing has run.
   */
  start(task: RunnerTask): Promise<RunningJob>

  /** The job of this id, running or ended, after a restart of the node; `null` if it was never started. */
  attach(id: string): Promise<RunningJob | null>

  /** Kill every job that is not in `keep` and delete its files, mounts and cgroups. */
  sweep(keep: ReadonlySet<string>): Promise<void>

  /** Bytes that the files of a job take on this machine's disk; 0 where there are none. */
  size(id: string): Promise<number>

  /** Delete all files of an ended job; a job that still runs is stopped first. Unknown ids are no error. */
  remove(id: string): Promise<void>
}

export interface RunnerTask {
  /** Names the job for ever; `[A-Za-z0-9._-]`, 1 to 128 characters. A lease id fits. */
  readonly id: string
  /** Path of a gzipped tar that becomes the work folder, or `null` for an empty one. */
  readonly bundle: string | null
  /** Shell script run before `run`, in the work folder, by `/bin/sh -e`. Its failure ends the job. */
  readonly setup?: string
  /** Shell script run in the work folder by `/bin/sh -e`. Its exit code is the job's. */
  readonly run: string
  /** Environment of both scripts. Names that steer the loader or the interpreter are refused. */
  readonly envs: Readonly<Record<string, string>>
  /** Paths or globs relative to the work folder, collected after the job ended, however it ended. */
  readonly outputs: readonly string[]
  readonly limits: RunnerLimits
  /** Leased GPUs by index (`0`) or uuid (`GPU-…`); only their device files exist in the sandbox. */
  readonly gpus: readonly string[]
  /** Unix seconds at which the job is killed; enforced by the job's own supervisor, with or without a node. */
  readonly deadline: number
}

export interface RunnerLimits {
  /** Cores; fractions allowed. */
  readonly cpus: number
  readonly memoryBytes: number
  /** Bytes of the work folder, `/tmp` included. */
  readonly diskBytes: number
  /** Files and folders in the work folder. */
  readonly inodes: number
  /** Processes and threads at a time. */
  readonly processes: number
  /** Bytes of stdout and stderr together; the job is killed beyond. */
  readonly logBytes: number
  /** Bytes of all collected outputs together; files beyond are skipped and named in the log. */
  readonly outputBytes: number
  /** `public` reaches public addresses only, never this host, its network or link-local addresses. */
  readonly network: 'none' | 'public'
}

export type RunnerProbe =
  | {
      readonly available: true
      readonly features: RunnerFeatures
    }
  | {
      readonly available: false
      /** What is missing. */
      readonly reason: string
      /** One line a person can act on. */
      readonly remedy: string
    }

export interface RunnerFeatures {
  /** Which cgroup hierarchy holds the limits; `none` means rlimits and a watching supervisor. */
  readonly cgroup: 'v1' | 'v2' | 'none'
  readonly seccomp: boolean
  /** `loop`: an ext4 image of its own; `tmpfs`: a size-limited memory file system. */
  readonly diskQuota: 'loop' | 'tmpfs'
  /** The most a job can be given: `public` where a user-mode network stack is installed, else `none`. */
  readonly network: 'none' | 'public'
  /** What a job runs as: an unprivileged uid of its own, or the node's own user inside a user namespace. */
  readonly identity: 'dedicated-uid' | 'node-user'
}

export interface RunningJob {
  readonly id: string

  status(): Promise<RunnerStatus>

  /**
   * The stored log from byte `from`. With `follow` it goes on until the job has ended and all was read, or until
   * `signal` aborts; without, it ends at what is stored now. `offset` is the position of `bytes` in the stored log.
   */
  readLog(options: ReadLogOptions): AsyncIterable<LogChunk>

  /** Kill the whole job. Resolves when no process of it is left; the result then says `stopped`. Idempotent. */
  stop(reason: string): Promise<void>

  /** Move the deadline, in Unix seconds, sooner or later. No effect on an ended job. */
  setDeadline(unixSeconds: number): Promise<void>

  /** Resolves when the job has ended and its outputs are stored. Never rejects. */
  readonly done: Promise<RunnerResult>
}

export interface ReadLogOptions {
  readonly from: number
  readonly follow: boolean
  readonly signal?: AbortSignal
}

export interface LogChunk {
  readonly offset: number
  readonly stream: LogStream
  readonly bytes: Uint8Array
}

/** `system` lines are written by the runner: limits reached, outputs skipped. */
export type LogStream = 'stdout' | 'stderr' | 'system'

export type RunnerStatus =
  | { readonly state: 'starting'; readonly deadline: number }
  | {
      readonly state: 'setup' | 'running' | 'collecting'
      /** Unix seconds, with fraction, at which the first script started. */
      readonly startedAt: number
      readonly deadline: number
    }
  | {
      readonly state: 'ended'
      readonly result: RunnerResult
      readonly startedAt: number
      readonly deadline: number
    }

export interface RunnerResult {
  /** `exited`: `run` (or a failing `setup`) ended by itself; `killed`: something ended it, `reason` says what. */
  readonly outcome: 'exited' | 'killed'
  /** The script's exit code, `null` if it was killed. */
  readonly exitCode: number | null
  /** The signal that ended the script, such as `SIGKILL`; `null` if it exited. */
  readonly signal: string | null
  readonly reason: EndReason
  /** One sentence for a person where `reason` is not `exit`. */
  readonly message: string | null
  /** Unix seconds with fraction. Equal to `endedAt` if nothing was started. */
  readonly startedAt: number
  readonly endedAt: number
  readonly usage: RunnerUsage
  readonly outputs: CollectedOutputs | null
  readonly log: StoredLog
}

export type EndReason =
  | 'exit'
  | 'deadline'
  | 'memory'
  | 'disk'
  | 'processes'
  | 'log'
  | 'outputs'
  | 'stopped'
  | 'error'

export interface RunnerUsage {
  readonly cpuSeconds: number
  readonly maxMemoryBytes: number
}

export interface CollectedOutputs {
  /** Path of an uncompressed tar of regular files and folders. */
  readonly archive: string
  readonly size: number
  /** `0x` and 64 hex digits. */
  readonly sha256: string
  readonly files: readonly OutputFile[]
}

export interface OutputFile {
  /** Relative to the work folder, `/` between parts. */
  readonly path: string
  readonly size: number
  /** `0x` and 64 hex digits. */
  readonly sha256: string
}

export interface StoredLog {
  readonly size: number
  /** `0x` and 64 hex digits. */
  readonly sha256: string
}
