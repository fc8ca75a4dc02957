import { MillraceError } from '@millrace/sdk/errors'

/** A private key is no key of the curve. */
export class PrivateKeyInvalidError extends MillraceError {
  override readonly name = 'PrivateKeyInvalidError'
  static readonly code = 'PRIVATE_KEY_INVALID'
  constructor(options: { bytes: number }) {
    super({
      code: PrivateKeyInvalidError.code,
      message: `A private key of ${options.bytes} bytes was given; a key is 32 bytes, not zero and below the curve's order.`,
      remedy: 'Make the key from 32 random bytes.',
      details: options,
    })
  }
}
