import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** No channel of this home begins like this. */
export class ChannelMissingError extends CliError {
  override readonly name = 'ChannelMissingError'
  static readonly code = 'CHANNEL_MISSING'
  constructor(options: { prefix: string; network: string }) {
    super({
      code: ChannelMissingError.code,
      message: `No channel of this home on network '${options.network}' begins with '${options.prefix}'.`,
      remedy: 'List them with `millrace channel ls --all`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** Several channels begin like this. */
export class ChannelAmbiguousError extends CliError {
  override readonly name = 'ChannelAmbiguousError'
  static readonly code = 'CHANNEL_AMBIGUOUS'
  constructor(options: { prefix: string; found: readonly string[] }) {
    super({
      code: ChannelAmbiguousError.code,
      message: `${options.found.length} channels begin with '${options.prefix}': ${options.found.map((id) => id.slice(0, 14)).join(', ')}.`,
      remedy: 'Give more digits.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** The channel cannot be ended or claimed as it stands. */
export class ChannelStateError extends CliError {
  override readonly name = 'ChannelStateError'
  static readonly code = 'CHANNEL_STATE'
  constructor(options: { channel: string; state: string; action: string; until?: number }) {
    const { channel, state, action, until } = options
    const when = until === undefined ? '' : ` until ${new Date(until * 1000).toISOString()}`
    super({
      code: ChannelStateError.code,
      message: `Channel '${channel}' is ${state}${when}: it cannot be ${action}.`,
      remedy: 'See `millrace channel show`.',
      exitCode: exitCodes.later,
      details: options,
    })
  }
}

/** It is not known where the seller of a channel can be asked. */
export class ChannelServiceUnknownError extends CliError {
  override readonly name = 'ChannelServiceUnknownError'
  static readonly code = 'CHANNEL_SERVICE_UNKNOWN'
  constructor(options: { channel: string }) {
    super({
      code: ChannelServiceUnknownError.code,
      message: `It is not known where the seller of channel '${options.channel}' can be asked.`,
      remedy: 'Announce its end instead: `millrace channel close`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** What was asked is done on channels of another scheme only. */
export class ChannelSchemeError extends CliError {
  override readonly name = 'ChannelSchemeError'
  static readonly code = 'CHANNEL_SCHEME'
  constructor(options: { channel: string; scheme: string; action: string; remedy: string }) {
    const { channel, scheme, action, remedy } = options
    super({
      code: ChannelSchemeError.code,
      message: `Channel '${channel}' is of scheme '${scheme}', and cannot be ${action}.`,
      remedy,
      exitCode: exitCodes.usage,
      details: { channel, scheme, action },
    })
  }
}
