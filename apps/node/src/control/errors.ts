import { NodeError } from '../errors/NodeError.ts'

/** Another node runs in the same home. */
export class NodeRunningError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'NODE_RUNNING',
      message: `A node runs in this home already; it answers at "${options.path}".`,
      remedy: 'Use it (`millrace node status`), stop it, or choose another home with MILLRACE_HOME.',
    })
  }
}

/** No node runs in this home. */
export class NodeNotRunningError extends NodeError {
  constructor(options: { path: string; cause: unknown }) {
    super({
      code: 'NODE_NOT_RUNNING',
      message: `No node answers at "${options.path}".`,
      remedy: 'Start it with `millrace node start`.',
      cause: options.cause,
    })
  }
}

/** The node answered a command with a failure. */
export class NodeCommandError extends NodeError {
  constructor(options: { command: string; code: string; message: string }) {
    super({ code: options.code, message: options.message, details: { command: options.command } })
  }
}
