import type { Hash } from 'viem'
import { MillraceError } from './MillraceError.ts'

/** A message of the session was altered, repeated, dropped or reordered on its way. */
export class SessionTamperedError extends MillraceError {
  override readonly name = 'SessionTamperedError'
  static readonly code = 'SESSION_TAMPERED'
  constructor(options: { message: number; cause?: unknown }) {
    super({
      code: SessionTamperedError.code,
      message: `Message ${options.message} of the session could not be decrypted: it was altered, repeated, dropped or reordered on its way.`,
      remedy: 'Open a new session; if it happens again, use another gateway.',
      retryable: true,
      details: { message: options.message },
      cause: options.cause,
    })
  }
}

/** The first message of a session is none that this device can read. */
export class SessionHelloError extends MillraceError {
  override readonly name = 'SessionHelloError'
  static readonly code = 'SESSION_HELLO'
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: SessionHelloError.code,
      message: `The session's first message is not valid: ${options.reason}.`,
      remedy: "Open the session to the session key of the device's current spec.",
      details: { reason: options.reason },
      cause: options.cause,
    })
  }
}

/** A hello was made too long ago, or in the future. */
export class SessionClockError extends MillraceError {
  override readonly name = 'SessionClockError'
  static readonly code = 'SESSION_CLOCK'
  constructor(options: { at: number; now: number; tolerance: number }) {
    super({
      code: SessionClockError.code,
      message: `The session was signed at ${options.at}, it is ${options.now}; at most ${options.tolerance} s apart are allowed.`,
      remedy: 'Set the clock of both machines.',
      details: options,
    })
  }
}

/** The same hello came twice. */
export class SessionReplayedError extends MillraceError {
  override readonly name = 'SessionReplayedError'
  static readonly code = 'SESSION_REPLAYED'
  constructor(options: { enc: Hash }) {
    super({
      code: SessionReplayedError.code,
      message: `The session '${options.enc}' was opened before; somebody repeats recorded messages.`,
      remedy: 'Open a new session.',
      retryable: true,
      details: options,
    })
  }
}

/** The device did not take the session. */
export class SessionRefusedError extends MillraceError {
  override readonly name = 'SessionRefusedError'
  static readonly code = 'SESSION_REFUSED'
  /** The device's own code for it. */
  readonly reason: string
  constructor(options: { code: string; message: string }) {
    super({
      code: SessionRefusedError.code,
      message: `The device refused the session (${options.code}): ${options.message}`,
      remedy: 'Open the session with the account that opened the lease.',
      details: { reason: options.code },
    })
    this.reason = options.code
  }
}

/** What the relay says by its close codes. */
const relayReasons: Readonly<Record<number, readonly [reason: string, remedy: string]>> = {
  4404: [
    'the device is not connected to this gateway',
    'Try another gateway of the offer, or another offer.',
  ],
  4410: ['the device lost its connection to the gateway', 'Open a new session; the job goes on meanwhile.'],
  4413: ['a message was larger than the relay carries', 'Send bulk data in bodies of 256 KiB.'],
  4429: ['the device has too many sessions', 'Close sessions that are not needed, or try again later.'],
}

/** The connection under the session is gone. */
export class SessionClosedError extends MillraceError {
  override readonly name = 'SessionClosedError'
  static readonly code = 'SESSION_CLOSED'
  constructor(options: { closeCode: number | undefined; reason: string | undefined; cause?: unknown }) {
    const { closeCode, cause } = options
    const [known, remedy] = relayReasons[closeCode ?? 0] ?? []
    const said = options.reason === undefined || options.reason === '' ? undefined : `'${options.reason}'`
    const reason = known ?? said
    super({
      code: SessionClosedError.code,
      message: `The session was closed${closeCode === undefined ? '' : ` with code ${closeCode}`}${reason === undefined ? '' : `: ${reason}`}.`,
      remedy: remedy ?? 'Open a new session; what the device acknowledged is not lost.',
      retryable: true,
      details: { closeCode, reason: options.reason },
      cause,
    })
  }
}

/** A message of a session does not have the form of protocol §6. */
export class SessionMessageError extends MillraceError {
  override readonly name = 'SessionMessageError'
  static readonly code = 'SESSION_MESSAGE'
  constructor(options: { reason: string }) {
    super({
      code: SessionMessageError.code,
      message: `The session message is not valid: ${options.reason}.`,
      remedy: 'Use the same version of Millrace on both sides.',
      details: options,
    })
  }
}

/** A message is larger than a session carries. */
export class MessageTooLargeError extends MillraceError {
  override readonly name = 'MessageTooLargeError'
  static readonly code = 'MESSAGE_TOO_LARGE'
  constructor(options: { size: number; max: number }) {
    super({
      code: MessageTooLargeError.code,
      message: `The message has ${options.size} bytes, at most ${options.max} are allowed.`,
      remedy: 'Send bulk data in bodies of 256 KiB.',
      details: options,
    })
  }
}

/** The device answered a request with an error. `reason` is the device's code. */
export class SessionRequestError extends MillraceError {
  override readonly name = 'SessionRequestError'
  static readonly code = 'SESSION_REQUEST'
  /** The device's own code for it, `JOB_EXISTS`. */
  readonly reason: string
  constructor(options: { method: string; code: string; message: string; retryable: boolean }) {
    super({
      code: SessionRequestError.code,
      message: `The device answered '${options.method}' with ${options.code}: ${options.message}`,
      retryable: options.retryable,
      details: { method: options.method, reason: options.code },
    })
    this.reason = options.code
  }
}

/** The device did not answer in time. */
export class SessionTimeoutError extends MillraceError {
  override readonly name = 'SessionTimeoutError'
  static readonly code = 'SESSION_TIMEOUT'
  constructor(options: { method: string; timeout: number }) {
    super({
      code: SessionTimeoutError.code,
      message: `The device did not answer '${options.method}' within ${options.timeout} ms.`,
      remedy: 'Ask again; if it stays silent, stop the lease.',
      retryable: true,
      details: options,
    })
  }
}

/** The device knows no such method. */
export class MethodUnknownError extends MillraceError {
  override readonly name = 'MethodUnknownError'
  static readonly code = 'METHOD_UNKNOWN'
  constructor(options: { method: string }) {
    super({
      code: MethodUnknownError.code,
      message: `No method is called '${options.method}'.`,
      remedy: 'Use the same version of Millrace on both sides.',
      details: options,
    })
  }
}

/** A session without a lease asked for something that only a lease pays for. */
export class LeaseRequiredError extends MillraceError {
  override readonly name = 'LeaseRequiredError'
  static readonly code = 'LEASE_REQUIRED'
  constructor(options: { method: string }) {
    super({
      code: LeaseRequiredError.code,
      message: `'${options.method}' needs a lease; this session has none.`,
      remedy: 'Open a lease, then a session for it.',
      details: options,
    })
  }
}

/** The hello of a session is not by the buyer of its lease. */
export class NotLeaseBuyerError extends MillraceError {
  override readonly name = 'NotLeaseBuyerError'
  static readonly code = 'NOT_LEASE_BUYER'
  constructor(options: { lease: Hash; signer: string; buyer: string }) {
    super({
      code: NotLeaseBuyerError.code,
      message: `Lease '${options.lease}' belongs to '${options.buyer}', the session was signed by '${options.signer}'.`,
      remedy: 'Open the session with the account that opened the lease.',
      details: options,
    })
  }
}
