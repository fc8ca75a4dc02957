import { NodeError } from '../errors/NodeError.ts'

/** Another challenge is running. */
export class ChallengeBusyError extends NodeError {
  static readonly code = 'CHALLENGE_BUSY'
  constructor() {
    super({
      code: ChallengeBusyError.code,
      message: 'This machine is being challenged already; it takes one challenge at a time.',
      remedy: 'Ask again in a minute.',
      retryable: true,
    })
  }
}

/** The node does not take a challenge now. */
export class ChallengeRefusedError extends NodeError {
  static readonly code = 'CHALLENGE_REFUSED'
  constructor(reason: string) {
    super({
      code: ChallengeRefusedError.code,
      message: `This machine takes no challenge now: ${reason}.`,
      remedy: 'Ask again later, or lease the machine and challenge it then.',
      retryable: true,
      details: { reason },
    })
  }
}

/** The size asked for is not one that this machine multiplies. */
export class ChallengeTooLargeError extends NodeError {
  static readonly code = 'CHALLENGE_TOO_LARGE'
  constructor(options: { n: number; most: number }) {
    super({
      code: ChallengeTooLargeError.code,
      message: `The challenge's size is ${options.n}; this machine has memory for ${options.most}.`,
      remedy: `Ask with a size of at most ${options.most}.`,
      details: options,
    })
  }
}

/** The machine lacks what the challenge asks for. */
export class ChallengeUnsupportedError extends NodeError {
  static readonly code = 'CHALLENGE_UNSUPPORTED'
  constructor(reason: string) {
    super({
      code: ChallengeUnsupportedError.code,
      message: `This machine cannot take the challenge: ${reason}.`,
      remedy: 'Challenge its CPU, or choose another machine.',
      details: { reason },
    })
  }
}

/** There is no commitment under this id: never made, opened already, or expired. */
export class ChallengeUnknownError extends NodeError {
  static readonly code = 'CHALLENGE_UNKNOWN'
  constructor(id: string) {
    super({
      code: ChallengeUnknownError.code,
      message: `There is no open challenge "${id}": it was never begun, was opened already, or has expired.`,
      remedy: 'Begin a new challenge.',
      details: { id },
    })
  }
}

/** A second reveal names another r or other rows. */
export class ChallengeRevealedError extends NodeError {
  static readonly code = 'CHALLENGE_REVEALED'
  constructor() {
    super({
      code: ChallengeRevealedError.code,
      message:
        'This challenge was revealed with another r or other rows; they are fixed by the first reveal.',
      remedy: 'Begin a new challenge.',
    })
  }
}

/** The product took longer than this machine allows itself. */
export class ChallengeTimeoutError extends NodeError {
  static readonly code = 'CHALLENGE_TIMEOUT'
  constructor(ms: number) {
    super({
      code: ChallengeTimeoutError.code,
      message: `The product was not ready after ${ms} ms.`,
      remedy: 'Ask with a smaller size.',
      retryable: true,
      details: { ms },
    })
  }
}

/** What computes the product ended unexpectedly. */
export class ChallengeFailedError extends NodeError {
  static readonly code = 'CHALLENGE_FAILED'
  constructor(reason: string, cause?: unknown) {
    super({
      code: ChallengeFailedError.code,
      message: `The product could not be computed: ${reason}.`,
      remedy: "Look into the node's log.",
      retryable: true,
      details: { reason },
      cause,
    })
  }
}
