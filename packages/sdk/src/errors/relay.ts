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
