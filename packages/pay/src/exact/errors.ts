import { MillraceError } from '@millrace/sdk/errors'
import type { PaymentRequirements } from '../wire/x402.ts'

/** What is asked for cannot be paid by `exact`. */
export class ExactUnsignableError extends MillraceError {
  override readonly name = 'ExactUnsignableError'
  static readonly code = 'EXACT_UNSIGNABLE'
  constructor(options: { requirements: PaymentRequirements }) {
    const { scheme, network, asset } = options.requirements
    super({
      code: ExactUnsignableError.code,
      message: `'${scheme}' on '${network}' in '${asset}' cannot be signed as an exact payment: it takes scheme 'exact', an eip155 network, and the token's name and version in extra.`,
      remedy: 'Choose another entry of accepts.',
      details: options,
    })
  }
}
