import { normaliseText } from '@millrace/sdk'

/** Up to so many words are put in exact order; more are ordered by their first characters. */
const EXACT_ORDER = 8192

/** Words of one column as small numbers. Code 0 stands for "not known". A word that no row uses any more is forgotten. */
export class Dictionary {
  readonly #codes = new Map<string, number>()
  readonly #words: (string | null)[] = [null]
  readonly #uses: number[] = [0]
  readonly #free: number[] = []
  /** Changes with every new word, so that what was derived from the words can be made again. */
  #version = 0
  #keys: Float64Array = new Float64Array(1)
  #keysOf = -1
  #exact = true
  readonly #prefix: (word: string) => number

  /** @param prefix Order-preserving number of a word's beginning, for dictionaries too large to sort. */
  constructor(prefix: (word: string) => number = textPrefix) {
    this.#prefix = prefix
  }

  /** One more than the largest code. */
  get size(): number {
    return this.#words.length
  }

  /** Code of a word for one more row. */
  take(raw: string | null): number {
    if (raw === null) return 0
    const word = normaliseText(raw)
    const known = this.#codes.get(word)
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1
      return known
    }
    const code = this.#free.pop() ?? this.#words.length
    this.#words[code] = word
    this.#uses[code] = 1
    this.#codes.set(word, code)
    this.#version++
    return code
  }

  /** One row less uses the code. */
  release(code: number): void {
    if (code === 0) return
    const uses = (this.#uses[code] ?? 1) - 1
    this.#uses[code] = uses
    if (uses > 0) return
    this.#codes.delete(this.#words[code] ?? '')
    this.#words[code] = null
    this.#free.push(code)
  }

  /** Code of a word in normal form, if any row has it. */
  codeOf(word: string): number | undefined {
    return this.#codes.get(word)
  }

  /** The word of a code, in normal form. */
  wordOf(code: number): string | null {
    return this.#words[code] ?? null
  }

  /** Numbers by code that sort as the words do; not known sorts last. */
  sortKeys(): Float64Array {
    if (this.#keysOf === this.#version) return this.#keys
    const keys = new Float64Array(this.#words.length).fill(Number.POSITIVE_INFINITY)
    this.#exact = this.#codes.size <= EXACT_ORDER
    if (this.#exact) {
      this.#sorted().forEach((word, rank) => {
        keys[this.#codes.get(word) ?? 0] = rank
      })
    } else {
      for (const [word, code] of this.#codes) keys[code] = this.#prefix(word)
    }
    this.#keys = keys
    this.#keysOf = this.#version
    return keys
  }

  /** Where a word, known or not, stands among `sortKeys`; `null` stands last. */
  sortKeyOf(word: string | null): number {
    if (word === null) return Number.POSITIVE_INFINITY
    const keys = this.sortKeys()
    if (!this.#exact) return this.#prefix(word)
    const code = this.#codes.get(word)
    if (code !== undefined) return keys[code] ?? 0
    const prefix = this.#prefix(word)
    return this.#sorted().filter((other) => isBefore(this.#prefix(other), other, prefix, word)).length - 0.5
  }

  #sorted(): string[] {
    return [...this.#codes.keys()]
      .map((word) => ({ word, prefix: this.#prefix(word) }))
      .sort((a, b) => (isBefore(a.prefix, a.word, b.prefix, b.word) ? -1 : 1))
      .map(({ word }) => word)
  }
}

function isBefore(prefixA: number, a: string, prefixB: number, b: string): boolean {
  return prefixA < prefixB || (prefixA === prefixB && a < b)
}

/** The first three UTF-16 units as one number. */
export function textPrefix(word: string): number {
  const unit = (at: number) => (at < word.length ? word.charCodeAt(at) : 0)
  return (unit(0) * 65_536 + unit(1)) * 65_536 + unit(2)
}

/** The first 12 digits of an address or hash: more are never equal by chance. */
export function hexPrefix(word: string): number {
  return Number.parseInt(word.slice(2, 14), 16)
}

/** Whole numbers sort by value. */
export function decimalPrefix(word: string): number {
  return Number(word)
}
