import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** A task file cannot be read. */
export class TaskFileError extends CliError {
  override readonly name = 'TaskFileError'
  static readonly code = 'TASK_FILE'
  constructor(options: { path: string; reason: string; cause?: unknown }) {
    super({
      code: TaskFileError.code,
      message: `The task file '${options.path}' cannot be read: ${options.reason}.`,
      remedy: 'Give the path of a YAML file with at least a `run` section.',
      exitCode: exitCodes.usage,
      details: { path: options.path, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** A task file has a field that Millrace does not have, or not yet. */
export class TaskFieldUnknownError extends CliError {
  override readonly name = 'TaskFieldUnknownError'
  static readonly code = 'TASK_FIELD_UNKNOWN'
  constructor(options: { path: string; field: string; remedy: string }) {
    super({
      code: TaskFieldUnknownError.code,
      message: `The task file '${options.path}' has the field '${options.field}', which has no meaning here.`,
      remedy: options.remedy,
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** A field of a task file has a value that it cannot have. */
export class TaskFieldInvalidError extends CliError {
  override readonly name = 'TaskFieldInvalidError'
  static readonly code = 'TASK_FIELD_INVALID'
  constructor(options: { path: string; field: string; value: unknown; allowed: string }) {
    super({
      code: TaskFieldInvalidError.code,
      message: `In the task file '${options.path}', '${options.field}' is '${JSON.stringify(options.value) ?? 'missing'}'.`,
      remedy: `Allowed is ${options.allowed}.`,
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** The work folder cannot be bundled. */
export class WorkdirError extends CliError {
  override readonly name = 'WorkdirError'
  static readonly code = 'WORKDIR'
  constructor(options: { path: string; reason: string; remedy: string }) {
    super({
      code: WorkdirError.code,
      message: `'${options.path}' cannot be sent: ${options.reason}.`,
      remedy: options.remedy,
      exitCode: exitCodes.data,
      details: options,
    })
  }
}
