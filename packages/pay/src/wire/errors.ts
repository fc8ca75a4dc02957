import { MillraceError } from '@millrace/sdk/errors'

/** Base of what is wrong with a payment header, before anything is said about the payment itself. */
export class WireError extends MillraceError {
  override readonly name: string = 'WireError'
}

/** A payment header is longer than is read. */
export class HeaderTooLargeError extends WireError {
  override readonly name = 'HeaderTooLargeError'
  static readonly code = 'HEADER_TOO_LARGE'
  constructor(options: { header: string; bytes: number; most: number }) {
    super({
      code: HeaderTooLargeError.code,
      message: `Header '${options.header}' has ${options.bytes} bytes; at most ${options.most} are taken.`,
      remedy: 'Leave out descriptions and extensions that are not needed.',
      details: options,
    })
  }
}

/** A payment header is not the base64 of UTF-8. */
export class HeaderNotBase64Error extends WireError {
  override readonly name = 'HeaderNotBase64Error'
  static readonly code = 'HEADER_NOT_BASE64'
  constructor(options: { header: string; cause?: unknown }) {
    super({
      code: HeaderNotBase64Error.code,
      message: `Header '${options.header}' is not base64 of UTF-8 text.`,
      remedy:
        'Encode the JSON in base64, for x402 with the standard alphabet, for MPP with the one for URLs.',
      details: { header: options.header },
      cause: options.cause,
    })
  }
}

/** A payment header holds no JSON. */
export class HeaderNotJsonError extends WireError {
  override readonly name = 'HeaderNotJsonError'
  static readonly code = 'HEADER_NOT_JSON'
  constructor(options: { header: string; cause?: unknown }) {
    super({
      code: HeaderNotJsonError.code,
      message: `Header '${options.header}' holds no JSON.`,
      remedy: 'Encode a JSON object in base64.',
      details: { header: options.header },
      cause: options.cause,
    })
  }
}

/** A payment header lacks fields, or has wrong ones. */
export class HeaderFieldsError extends WireError {
  override readonly name = 'HeaderFieldsError'
  static readonly code = 'HEADER_FIELDS_INVALID'
  constructor(options: { header: string; issues: readonly { path: string; message: string }[] }) {
    const shown = options.issues.slice(0, 5).map(({ path, message }) => `'${path}': ${message}`)
    super({
      code: HeaderFieldsError.code,
      message: `Header '${options.header}' is not valid: ${shown.join('; ')}.`,
      remedy: 'Correct the named fields.',
      details: options,
    })
  }
}

/** An `Authorization` or `WWW-Authenticate` header does not have the form of the scheme `Payment`. */
export class ChallengeMalformedError extends WireError {
  override readonly name = 'ChallengeMalformedError'
  static readonly code = 'CHALLENGE_MALFORMED'
  constructor(options: { header: string; reason: string }) {
    super({
      code: ChallengeMalformedError.code,
      message: `Header '${options.header}' is no payment challenge: ${options.reason}.`,
      remedy: 'Write it as: Payment id="…", realm="…", method="…", intent="…", request="…".',
      details: options,
    })
  }
}

/** The challenge that a credential answers was not made here, or was altered since. */
export class ChallengeForeignError extends WireError {
  override readonly name = 'ChallengeForeignError'
  static readonly code = 'CHALLENGE_FOREIGN'
  constructor(options: { id: string }) {
    super({
      code: ChallengeForeignError.code,
      message: `The challenge '${options.id}' was not made here, or was altered.`,
      remedy: 'Ask again without payment and answer the new challenge unchanged.',
      details: options,
    })
  }
}

/** The challenge that a credential answers is over. */
export class ChallengeExpiredError extends WireError {
  override readonly name = 'ChallengeExpiredError'
  static readonly code = 'CHALLENGE_EXPIRED'
  constructor(options: { id: string; expires: string }) {
    super({
      code: ChallengeExpiredError.code,
      message: `The challenge '${options.id}' ended at ${options.expires}.`,
      remedy: 'Ask again without payment and answer the new challenge.',
      details: options,
    })
  }
}
