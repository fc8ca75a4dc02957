import { ID_BYTES, type Segment } from './Segment.ts'

/** A row that is among the best so far, with what it sorts by. */
export interface Candidate {
  /** One number a sort field, smaller is better, then the id's first bytes. */
  readonly keys: Float64Array
  readonly segment: Segment
  readonly row: number
}

/** The best rows seen, at most `limit`: a heap with the worst of them on top. */
export class TopRows {
  readonly #limit: number
  readonly #heap: Candidate[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get full(): boolean {
    return this.#heap.length === this.#limit
  }

  /** The row that the next better one replaces. */
  get worst(): Candidate | undefined {
    return this.#heap[0]
  }

  add(candidate: Candidate): void {
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(candidate)
      this.#rise(heap.length - 1)
    } else if (heap[0] !== undefined && isBefore(candidate, heap[0])) {
      heap[0] = candidate
      this.#sink()
    }
  }

  /** All rows kept, best first. */
  sorted(): Candidate[] {
    return [...this.#heap].sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #rise(from: number): void {
    const heap = this.#heap
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(at, parent)) return
      swap(heap, at, parent)
      at = parent
    }
  }

  #sink(): void {
    const heap = this.#heap
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      let worst = at
      if (left < heap.length && this.#isWorse(left, worst)) worst = left
      if (left + 1 < heap.length && this.#isWorse(left + 1, worst)) worst = left + 1
      if (worst === at) return
      swap(heap, at, worst)
      at = worst
    }
  }

  #isWorse(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]]
    return one !== undefined && other !== undefined && isBefore(other, one)
  }
}

function swap(heap: Candidate[], a: number, b: number): void {
  const [one, other] = [heap[a], heap[b]]
  if (one === undefined || other === undefined) return
  heap[a] = other
  heap[b] = one
}

/** Whether `a` stands before `b`: by keys, then by the whole id. */
function isBefore(a: Candidate, b: Candidate): boolean {
  for (let at = 0; at < a.keys.length; at++) {
    const [one, other] = [a.keys[at] ?? 0, b.keys[at] ?? 0]
    if (one !== other) return one < other
  }
  return compareIds(a.segment, a.row, idOf(b.segment, b.row)) < 0
}

/** Compares a row's id with another id, as bytes. */
export function compareIds(segment: Segment, row: number, id: Uint8Array): number {
  return Buffer.compare(idOf(segment, row), id)
}

/** The id's bytes, in place. */
export function idOf(segment: Segment, row: number): Uint8Array {
  return segment.ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES)
}
