/**
 * Sizes that a challenge may have: multiples of 64. Below, starting and sending take longer than the product; above,
 * the generator's block counter and the verifier's patience end.
 */
export const challengeSizes = { least: 512, most: 65_536, step: 64 } as const

/** Rows that one reveal may open. */
export const mostOpenings = 256

/** Bytes of a reveal's answer that one message carries. */
export const revealChunk = 256 * 1024

/** Whether `n` is an allowed size. */
export function isChallengeSize(n: number): boolean {
  const { least, most, step } = challengeSizes
  return Number.isSafeInteger(n) && n >= least && n <= most && n % step === 0
}
