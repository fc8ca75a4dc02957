import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** A process of the local network does not come up. */
export class ServiceFailedError extends CliError {
  override readonly name = 'ServiceFailedError'
  static readonly code = 'SERVICE_FAILED'
  constructor(options: { service: string; how: string; log: string; last: string }) {
    super({
      code: ServiceFailedError.code,
      message: `The ${options.service} of the local network does not start: it ended with '${options.how}'.${options.last === '' ? '' : `\n${options.last}`}`,
      remedy: `Its log is '${options.log}'.`,
      exitCode: exitCodes.unavailable,
      details: options,
    })
  }
}

/** The local network is not running. */
export class NetworkDownError extends CliError {
  override readonly name = 'NetworkDownError'
  static readonly code = 'NETWORK_DOWN'
  constructor(options: { home: string }) {
    super({
      code: NetworkDownError.code,
      message: `The local network of '${options.home}' is not running.`,
      remedy: 'Start it with `millrace up --detach`, or choose another network with `--network`.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: options,
    })
  }
}

/** Another supervisor of the same home is at work and does not become ready. */
export class NetworkBusyError extends CliError {
  override readonly name = 'NetworkBusyError'
  static readonly code = 'NETWORK_BUSY'
  constructor(options: { pid: number }) {
    super({
      code: NetworkBusyError.code,
      message: `Process ${options.pid} is already bringing this network up.`,
      remedy: 'Wait for it, or stop it with `millrace down`.',
      exitCode: exitCodes.later,
      retryable: true,
      details: options,
    })
  }
}

/** A port that the network used before is now used by something else. */
export class PortTakenError extends CliError {
  override readonly name = 'PortTakenError'
  static readonly code = 'PORT_TAKEN'
  constructor(options: { port: number; service: string; flag: string }) {
    super({
      code: PortTakenError.code,
      message: `Port ${options.port}, where the ${options.service} listens, is used by another program.`,
      remedy: `Stop that program, or choose another port with \`millrace up ${options.flag} <port>\` (0 for any free one).`,
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: options,
    })
  }
}
