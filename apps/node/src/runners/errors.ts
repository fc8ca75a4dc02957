import { MillraceError, type MillraceErrorOptions } from '@millrace/sdk/errors'

/**
 * Base of every failure of a runner. Not a `NodeError`: a job's supervisor throws it too, and must not load the whole SDK
 * each time a job starts.
 */
export class RunnerError extends MillraceError {
  override readonly name: string
  constructor(options: MillraceErrorOptions) {
    super(options)
    this.name = new.target.name
  }
}

/** This machine cannot run jobs with this runner. */
export class RunnerUnavailableError extends RunnerError {
  constructor(options: { reason: string; remedy: string }) {
    super({ code: 'RUNNER_UNAVAILABLE', message: options.reason, remedy: options.remedy })
  }
}

/** The task's fields cannot be used. */
export class TaskInvalidError extends RunnerError {
  readonly field: string
  constructor(options: { field: string; seen: string; allowed: string }) {
    super({
      code: 'TASK_INVALID',
      message: `The task's "${options.field}" is "${options.seen}"; allowed: ${options.allowed}.`,
      remedy: 'Correct the field and start the job again.',
    })
    this.field = options.field
  }
}

/** The job's environment names variables that steer the loader, the interpreter or the machine's drivers. */
export class EnvironmentRefusedError extends RunnerError {
  readonly names: readonly string[]
  constructor(options: { names: readonly string[]; why: string }) {
    super({
      code: 'ENVIRONMENT_REFUSED',
      message: `The job's environment is refused: ${options.names.map((name) => `"${name}"`).join(', ')} ${options.why}.`,
      remedy: 'Remove the variables from `envs`; a script may set what it needs inside `run`.',
    })
    this.names = options.names
  }
}

/** The lease pays for a network that this machine has no safe way to give. */
export class NetworkUnavailableError extends RunnerError {
  constructor(options: { reason: string; remedy: string }) {
    super({
      code: 'NETWORK_UNAVAILABLE',
      message: `A job with network "public" cannot run here: ${options.reason}.`,
      remedy: options.remedy,
    })
  }
}

/** A leased GPU is not on this machine. */
export class GpuNotFoundError extends RunnerError {
  constructor(options: { gpu: string; present: readonly string[] }) {
    super({
      code: 'GPU_NOT_FOUND',
      message: `GPU "${options.gpu}" is not on this machine; present: ${options.present.join(', ') || 'none'}.`,
      remedy: 'Detect the GPUs again (`millrace node status`) and offer only what is present.',
    })
  }
}

/** The supervisor of a job could not set the sandbox up. */
export class JobStartError extends RunnerError {
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: 'JOB_START_FAILED',
      message: `The job could not be started: ${options.reason}`,
      remedy: 'Run `millrace node status` on the machine; it names what the sandbox is missing.',
      retryable: true,
      cause: options.cause,
    })
  }
}
