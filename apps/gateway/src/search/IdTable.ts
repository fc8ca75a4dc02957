/** What the table needs of the rows it points to. */
export interface IdSource {
  /** Whether the row at `place` has the id in `bytes`. */
  isAt(place: number, bytes: Uint8Array): boolean
  /** First 4 bytes of the id of the row at `place`. */
  hashAt(place: number): number
}

const EMPTY = 0
const FULLEST = 0.6

/**
 * Finds a row's place by its id: a hash table of places alone, since the ids stand in the columns. Ids are digests, so their
 * first bytes are the hash; a random seed keeps ids that were ground to collide from doing so.
 */
export class IdTable {
  #slots = new Uint32Array(1024)
  #count = 0
  readonly #source: IdSource
  readonly #seed: number

  /** @param seed Any 32-bit number, unknown to others. */
  constructor(source: IdSource, seed: number) {
    this.#source = source
    this.#seed = seed
  }

  /** The place of the row with this id, or -1. */
  find(bytes: Uint8Array): number {
    for (let at = this.#home(hashOf(bytes, 0)); ; at = this.#next(at)) {
      const slot = this.#slots[at] ?? EMPTY
      if (slot === EMPTY) return -1
      if (this.#source.isAt(slot - 1, bytes)) return slot - 1
    }
  }

  /** Notes a row that is not in the table. */
  add(place: number): void {
    if (this.#count + 1 > this.#slots.length * FULLEST) this.#grow()
    this.#count++
    this.#insert(place + 1)
  }

  /** Notes that a row moved. Its id must be readable at both places. */
  move(from: number, to: number): void {
    const at = this.#slotOf(from)
    if (at >= 0) this.#slots[at] = to + 1
  }

  /** Forgets a row. Its id must still be readable. */
  delete(place: number): void {
    let hole = this.#slotOf(place)
    if (hole < 0) return
    this.#count--
    // Backward shift: what a later probe would look for behind the hole moves into it.
    for (let at = this.#next(hole); this.#slots[at] !== EMPTY; at = this.#next(at)) {
      const slot = this.#slots[at] ?? EMPTY
      const home = this.#home(this.#source.hashAt(slot - 1))
      const mask = this.#slots.length - 1
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.#slots[hole] = slot
      hole = at
    }
    this.#slots[hole] = EMPTY
  }

  #slotOf(place: number): number {
    for (let at = this.#home(this.#source.hashAt(place)); ; at = this.#next(at)) {
      const slot = this.#slots[at] ?? EMPTY
      if (slot === place + 1) return at
      if (slot === EMPTY) return -1
    }
  }

  #insert(slot: number): void {
    let at = this.#home(this.#source.hashAt(slot - 1))
    while (this.#slots[at] !== EMPTY) at = this.#next(at)
    this.#slots[at] = slot
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (const slot of old) if (slot !== EMPTY) this.#insert(slot)
  }

  #home(hash: number): number {
    // Multiplicative mixing; the seed makes the outcome unknown outside.
    const mixed = Math.imul(hash ^ this.#seed, 0x9e3779b1)
    return (mixed ^ (mixed >>> 15)) & (this.#slots.length - 1)
  }

  #next(at: number): number {
    return (at + 1) & (this.#slots.length - 1)
  }
}

/** First 4 bytes at `from` as a number. */
export function hashOf(bytes: Uint8Array, from: number): number {
  return (
    ((bytes[from] ?? 0) << 24) |
    ((bytes[from + 1] ?? 0) << 16) |
    ((bytes[from + 2] ?? 0) << 8) |
    (bytes[from + 3] ?? 0)
  )
}
