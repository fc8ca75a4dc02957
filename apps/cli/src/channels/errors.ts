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
