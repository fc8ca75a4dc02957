/** A stream of random numbers that its seed determines. */
export interface Random {
  /** A number of [0, 1) with 53 random bits. */
  readonly uniform: () => number
  /** A whole number of [0, 2^32). */
  readonly word: () => number
  /** A standard normal number. */
  readonly normal: () => number
  /** Fills `words` with whole numbers of [0, 2^32): the fastest way to many. */
  readonly fill: (words: Uint32Array) => void
}

/**
 * Random numbers from two words of seed; streams of different seeds are unrelated. Same numbers on every machine.
 * Source: Blackman and Vigna, *Scrambled linear pseudorandom number generators* (2021), xoshiro128**, seeded by
 * splitmix32; normals by Marsaglia's polar method. Refers to nothing outside itself: it also runs as text in worker threads.
 *
 * @example
 * const random = createRandom(2026, 0)
 * random.uniform()
 */
export function createRandom(seed: number, stream: number): Random {
  let mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)
  const next = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0
    let z = mixed ^ (mixed >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let a = next() ^ seed
  let b = next() ^ stream
  let c = next()
  let d = next() | 1
  const fill = (words: Uint32Array): void => {
    let [w, x, y, z] = [a, b, c, d]
    for (let at = 0; at < words.length; at++) {
      const times5 = Math.imul(x, 5)
      words[at] = Math.imul((times5 << 7) | (times5 >>> 25), 9)
      const shifted = x << 9
      y ^= w
      z ^= x
      x ^= y
      w ^= z
      y ^= shifted
      z = (z << 11) | (z >>> 21)
    }
    a = w
    b = x
    c = y
    d = z
  }
  const one = new Uint32Array(1)
  const word = (): number => {
    fill(one)
    return one[0] as number
  }
  const uniform = (): number => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992
  let spare = Number.NaN
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    let u = 0
    let v = 0
    let s = 0
    do {
      u = 2 * uniform() - 1
      v = 2 * uniform() - 1
      s = u * u + v * v
    } while (s >= 1 || s === 0)
    const scale = Math.sqrt((-2 * Math.log(s)) / s)
    spare = v * scale
    return u * scale
  }
  for (let warm = 0; warm < 8; warm++) word()
  return { uniform, word, normal, fill }
}
