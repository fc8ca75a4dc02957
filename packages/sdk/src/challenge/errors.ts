import { MillraceError } from '../errors/MillraceError.ts'
import { challengeSizes, mostOpenings } from './limits.ts'

/** The asked size or number of openings is outside what a challenge may have. */
export class ChallengeSizeError extends MillraceError {
  override readonly name = 'ChallengeSizeError'
  static readonly code = 'CHALLENGE_SIZE'
  constructor(options: { what: string; value: number; allowed: string }) {
    super({
      code: ChallengeSizeError.code,
      message: `The challenge's ${options.what} is ${options.value}; allowed is ${options.allowed}.`,
      remedy: `Use a size from ${challengeSizes.least} to ${challengeSizes.most} in steps of ${challengeSizes.step} and at most ${mostOpenings} openings.`,
      details: options,
    })
  }
}
