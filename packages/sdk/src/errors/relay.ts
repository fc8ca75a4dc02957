import { MillraceError } from './MillraceError.ts'

/** A binary message of the relay is not a frame. */
export class FrameInvalidError extends MillraceError {
  override readonly name = 'FrameInvalidError'
  static readonly code = 'FRAME_INVALID'
  constructor(options: { reason: string }) {
    super({
      code: FrameInvalidError.code,
      message: `The relay frame is not valid: ${options.reason}.`,
      remedy: 'Use the same version of Millrace on both sides.',
      details: options,
    })
  }
}

/** A device dialled another gateway than the one that got its hello. */
export class RelayGatewayError extends MillraceError {
  override readonly name = 'RelayGatewayError'
  static readonly code = 'RELAY_GATEWAY'
  constructor(options: { gateway: string; allowed: readonly string[] }) {
    const { gateway, allowed } = options
    super({
      code: RelayGatewayError.code,
      message: `The hello is for the gateway "${gateway}"; this one is ${allowed.map((one) => `"${one}"`).join(', ')}.`,
      remedy: 'Start the gateway with the URL under which machines reach it, `--url`.',
      details: { gateway, allowed: [...allowed] },
    })
  }
}
