/** Unit roundoff of 32-bit floats. */
const roundoff = 2 ** -24

/** How many standard deviations an honest residual may have. Beyond eight lies 1.3 · 10⁻¹⁵ of a normal distribution. */
const deviations = 8

/**
 * How far row·r of an honest 32-bit product may lie from the exact value, for entries and r uniform in [-1, 1).
 *
 * A sum of n products, one after the other, is a random walk of variance 1/9 a step; each addition rounds by at most
 * u times the partial sum, with variance at most u²/3 of its square. Over all steps this gives an entry's error the
 * variance Σ k/9 · u²/3 ≈ n²u²/54, and with r's variance of 1/3 a row's residual the variance n/3 · n²u²/54. Sums in
 * blocks or trees, and fused multiply-adds, do better. Formats with a shorter significand (TensorFloat-32, bfloat16,
 * 16-bit floats) miss it: their residual's deviation is 12 · √(2048/n) deviations of TensorFloat-32 and more.
 *
 * @param n Rows of the matrices.
 */
export function residualTolerance(n: number): number {
  return deviations * roundoff * n * Math.sqrt(n / 162)
}

/**
 * An upper bound of the probability that a committed row that is wrong by a vector of Euclidean length `error` passes
 * when it is opened, with `vectors` check vectors.
 *
 * The density of Σ eⱼrⱼ, rⱼ independent and uniform in [-1, 1], is nowhere above 1/(√2·|e|) (K. Ball, Cube slicing in
 * Rⁿ, 1986), so one vector puts it within an interval of twice the tolerance with at most √2 · tolerance / |e|.
 */
export function missProbability(options: {
  readonly n: number
  readonly error: number
  readonly vectors: number
}): number {
  const { n, error, vectors } = options
  return Math.min(1, (Math.SQRT2 * residualTolerance(n)) / error) ** vectors
}

/** The largest share of wrong rows that `openings` random openings of distinct rows miss with at least `probability`. */
export function missedShare(openings: number, probability: number): number {
  return 1 - probability ** (1 / openings)
}
