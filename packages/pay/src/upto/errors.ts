import { MillraceError } from '@millrace/sdk/errors'

/** A payment by `upto` cannot be signed as it is asked for. */
export class UptoUnsignableError extends MillraceError {
  override readonly name = 'UptoUnsignableError'
  static readonly code = 'UPTO_UNSIGNABLE'
  constructor(options: { scheme: string; network: string; reason: string }) {
    const { scheme, network, reason } = options
    super({
      code: UptoUnsignableError.code,
      message: `A payment by '${scheme}' on '${network}' cannot be signed: ${reason}.`,
      remedy: 'Pay another entry of the 402 answer; where Permit2 is not approved, approve it once.',
      details: options,
    })
  }
}
