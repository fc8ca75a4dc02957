import { requireRange } from '../errors/require.ts'

/**
 * Probability that a standard normal variable is at most `x`. Absolute error below 1e-15; beyond 7 deviations the relative error of the tail is 1e-8.
 * Source: Hart, *Computer Approximations* (1968), algorithm 5666, in the form of West, *Better approximations to
 * cumulative normal functions*, Wilmott (2005). Refers to nothing outside itself: it also runs as text in worker threads.
 *
 * @example
 * normalCdf(1.6448536269514722) // 0.95
 */
export function normalCdf(x: number): number {
  const z = x < 0 ? -x : x
  if (z > 38) return x < 0 ? 0 : 1
  const e = Math.exp((-z * z) / 2)
  let tail: number
  if (z < 7.07106781186547) {
    const above =
      ((((((3.52624965998911e-2 * z + 0.700383064443688) * z + 6.37396220353165) * z + 33.912866078383) * z +
        112.079291497871) *
        z +
        221.213596169931) *
        z +
        220.206867912376) *
      e
    const below =
      ((((((8.83883476483184e-2 * z + 1.75566716318264) * z + 16.064177579207) * z + 86.7807322029461) * z +
        296.564248779674) *
        z +
        637.333633378831) *
        z +
        793.826512519948) *
        z +
      440.413735824752
    tail = above / below
  } else {
    tail = e / (z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))))) / 2.506628274631
  }
  return x > 0 ? 1 - tail : tail
}

/**
 * The value that a standard normal variable stays below with probability `p`; ±Infinity at 1 and 0. Relative error about 1e-16.
 * Source: Wichura, *Algorithm AS 241*, Applied Statistics 37(3) (1988), PPND16. Throws {@link ParameterError} outside [0, 1].
 *
 * @example
 * normalInverse(0.95) // 1.64485362695147
 */
export function normalInverse(p: number): number {
  requireRange('probability', p, [0, 1])
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (q * polynomial(central.above, r)) / polynomial(central.below, r)
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p))
  const [{ above, below }, at] = r <= 5 ? [middle, r - 1.6] : [far, r - 5]
  const value = polynomial(above, at) / polynomial(below, at)
  return q < 0 ? -value : value
}

/**
 * Probability that two standard normal variables with the given correlation are at most `x` and `y`. Absolute error below 1e-9.
 * Source: Plackett's identity, as in Drezner and Wesolowsky, *On the computation of the bivariate normal integral*,
 * J. Statist. Comput. Simul. 35 (1990), integrated over the arcsine of the correlation with 40 Gauss–Legendre points.
 * Throws {@link ParameterError} for a correlation outside [-1, 1].
 *
 * @example
 * bivariateNormalCdf({ x: 0, y: 0, correlation: 0.5 }) // 1/3
 */
export function bivariateNormalCdf(options: {
  readonly x: number
  readonly y: number
  readonly correlation: number
}): number {
  const { x, y } = options
  const rho = requireRange('correlation', options.correlation, [-1, 1])
  if (x === Number.NEGATIVE_INFINITY || y === Number.NEGATIVE_INFINITY) return 0
  if (x === Number.POSITIVE_INFINITY) return normalCdf(y)
  if (y === Number.POSITIVE_INFINITY) return normalCdf(x)
  if (rho === 1) return normalCdf(Math.min(x, y))
  if (rho === -1) return Math.max(0, normalCdf(x) - normalCdf(-y))
  const end = Math.asin(rho)
  // The integrand is sharp only near correlations of ±1; parts of half an hour of arc keep the rule exact there.
  const parts = Math.abs(rho) > 0.9 ? 40 : 4
  let sum = 0
  for (let part = 0; part < parts; part++) {
    const half = end / parts / 2
    const middleOfPart = (2 * part + 1) * half
    for (const [node, weight] of legendre) {
      for (const angle of [middleOfPart + half * node, middleOfPart - half * node]) {
        const sine = Math.sin(angle)
        const cosine2 = 1 - sine * sine
        sum += weight * half * Math.exp(-(x * x + y * y - 2 * x * y * sine) / (2 * cosine2))
      }
    }
  }
  return Math.min(1, Math.max(0, normalCdf(x) * normalCdf(y) + sum / (2 * Math.PI)))
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], at: number): number {
  let value = 0
  for (const coefficient of coefficients) value = value * at + coefficient
  return value
}

/** Half of the nodes of the ten-point Gauss–Legendre rule with their weights. */
const legendre = [
  [0.14887433898163122, 0.29552422471475287],
  [0.4333953941292472, 0.26926671930999635],
  [0.6794095682990244, 0.21908636251598204],
  [0.8650633666889845, 0.1494513491505806],
  [0.9739065285171717, 0.06667134430868814],
] as const

const central = {
  above: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
    1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  below: [
    5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
    687.1870074920579, 42.31333070160091, 1,
  ],
}
const middle = {
  above: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  below: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
}
const far = {
  above: [
    2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  below: [
    2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
}
