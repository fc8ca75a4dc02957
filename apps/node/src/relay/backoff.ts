/**
 * Milliseconds to wait before the next attempt: doubles from `least` to `most`, and a random half of it, so that a
 * thousand nodes do not come back to a restarted gateway in the same instant.
 *
 * @param attempt Failures in a row, from 0.
 * @param random A number in [0, 1).
 */
export function backoff(attempt: number, random: number, { least = 250, most = 30_000 } = {}): number {
  const full = Math.min(most, least * 2 ** Math.min(attempt, 20))
  return full / 2 + (random * full) / 2
}
