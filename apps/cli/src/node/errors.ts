import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** No node runs in this home. */
export class NodeDownError extends CliError {
  override readonly name = 'NodeDownError'
  static readonly code = 'NODE_DOWN'
  constructor(options: { home: string; cause?: unknown }) {
    super({
      code: NodeDownError.code,
      message: `No node runs in '${options.home}'.`,
      remedy: 'Start it with `millrace node start`, or with the local network: `millrace up`.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { home: options.home },
      cause: options.cause,
    })
  }
}

/** The node, or a helper of it, answered with a failure of its own. */
export class NodeRefusedError extends CliError {
  override readonly name = 'NodeRefusedError'
  static readonly code = 'NODE_REFUSED'
  constructor(options: { code: string; message: string; remedy?: string | undefined }) {
    super({ ...options, code: options.code, exitCode: exitCodes.refused })
  }
}
