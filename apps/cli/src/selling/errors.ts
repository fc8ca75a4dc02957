import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** Another `millrace sell` of this home is paid by the same payee; its books have one user at a time. */
export class SellerBusyError extends CliError {
  override readonly name = 'SellerBusyError'
  static readonly code = 'SELLER_BUSY'
  constructor(options: { payee: string; pid: number }) {
    super({
      code: SellerBusyError.code,
      message: `Process ${options.pid} of this home sells for '${options.payee}' already.`,
      remedy: 'End it first, or sell for another payee with `--to` or `--asset`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** The address to sell at cannot be listened on. */
export class SellAddressTakenError extends CliError {
  override readonly name = 'SellAddressTakenError'
  static readonly code = 'SELL_ADDRESS_TAKEN'
  constructor(options: { host: string; port: number; cause: unknown }) {
    const { host, port, cause } = options
    super({
      code: SellAddressTakenError.code,
      message: `'${host}:${port}' cannot be listened on${cause instanceof Error ? `: ${cause.message}` : ''}.`,
      remedy: 'Choose another port, or 0 for any free one.',
      exitCode: exitCodes.refused,
      details: { host, port },
      cause,
    })
  }
}

/** What is sold does not answer. Nobody was charged. */
export class UpstreamDownError extends CliError {
  override readonly name = 'UpstreamDownError'
  static readonly code = 'UPSTREAM_DOWN'
  constructor(options: { upstream: string; cause: unknown }) {
    const { upstream, cause } = options
    super({
      code: UpstreamDownError.code,
      message: `The server behind this one, '${upstream}', does not answer.`,
      remedy: 'Start it, or correct `--upstream`. Calls that it does not answer are not charged.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { upstream },
      cause,
    })
  }
}

/** The server behind an agent did not answer a message well. Nobody was charged. */
export class AgentUpstreamError extends CliError {
  override readonly name = 'AgentUpstreamError'
  static readonly code = 'AGENT_UPSTREAM'
  constructor(options: { skill: string; status: number }) {
    super({
      code: AgentUpstreamError.code,
      message: `The server behind skill '${options.skill}' answered with status ${options.status}.`,
      remedy: 'Look at what it says to a POST of plain text. Such answers are not charged.',
      exitCode: exitCodes.unavailable,
      details: options,
    })
  }
}
