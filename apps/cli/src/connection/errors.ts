import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** The settings name no such network. */
export class NetworkUnknownError extends CliError {
  override readonly name = 'NetworkUnknownError'
  static readonly code = 'NETWORK_UNKNOWN'
  constructor(options: { network: string; known: readonly string[]; path: string }) {
    super({
      code: NetworkUnknownError.code,
      message: `There is no network '${options.network}'; there are '${options.known.join("', '")}'.`,
      remedy: `Describe it under \`networks\` in '${options.path}': chainId, rpc, gateways.`,
      exitCode: exitCodes.config,
      details: options,
    })
  }
}

/** The RPC answers for another chain. */
export class WrongChainError extends CliError {
  override readonly name = 'WrongChainError'
  static readonly code = 'WRONG_CHAIN'
  constructor(options: { rpc: string; chainId: number; wanted: number }) {
    super({
      code: WrongChainError.code,
      message: `'${options.rpc}' is chain ${options.chainId}, the network is chain ${options.wanted}.`,
      remedy: 'Correct `rpc` or `chainId` of the network, or the `--rpc-url` given.',
      exitCode: exitCodes.config,
      details: options,
    })
  }
}

/** The RPC does not answer. */
export class RpcDownError extends CliError {
  override readonly name = 'RpcDownError'
  static readonly code = 'RPC_DOWN'
  constructor(options: { rpc: string; cause: unknown }) {
    super({
      code: RpcDownError.code,
      message: `The chain's RPC '${options.rpc}' does not answer.`,
      remedy: 'Check the network, or choose another RPC with `--rpc-url`.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { rpc: options.rpc },
      cause: options.cause,
    })
  }
}

/** No gateway is configured. */
export class NoGatewayError extends CliError {
  override readonly name = 'NoGatewayError'
  static readonly code = 'NO_GATEWAY'
  constructor(options: { network: string }) {
    super({
      code: NoGatewayError.code,
      message: `Network '${options.network}' names no gateway.`,
      remedy: 'Give one with `--gateway <url>`, or in the settings file.',
      exitCode: exitCodes.config,
      details: options,
    })
  }
}
