import { vectorCount } from './generator.ts'
import { merkleProofLength } from './merkle.ts'

/** What one unit (a CPU, or one GPU) answers to a reveal. */
export interface Opening {
  /** C·r: n × 4 doubles, the four vectors' values of a row together. */
  readonly product: Float64Array
  /** The opened rows of C, n floats each, in the order asked for. */
  readonly rows: readonly Uint8Array[]
  /** Their Merkle siblings. */
  readonly proofs: readonly (readonly Uint8Array[])[]
}

/** Bytes of one unit's opening: the product, then the rows, then all siblings; little-endian, without gaps. */
export function openingSize(n: number, rows: readonly number[]): number {
  const siblings = rows.reduce((sum, row) => sum + merkleProofLength(row, n), 0)
  return 8 * vectorCount * n + 4 * n * rows.length + 32 * siblings
}

/** Writes an opening. */
export function encodeOpening({ product, rows, proofs }: Opening): Uint8Array {
  const parts = [
    new Uint8Array(product.buffer, product.byteOffset, product.byteLength),
    ...rows,
    ...proofs.flat(),
  ]
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Reads an opening of exactly {@link openingSize} bytes. */
export function decodeOpening(bytes: Uint8Array, n: number, rows: readonly number[]): Opening {
  let at = 0
  // A copy, because a view of doubles must start at a multiple of eight.
  const take = (length: number) => {
    at += length
    return new Uint8Array(bytes.subarray(at - length, at))
  }
  const product = new Float64Array(take(8 * vectorCount * n).buffer)
  const opened = rows.map(() => take(4 * n))
  const proofs = rows.map((row) => Array.from({ length: merkleProofLength(row, n) }, () => take(32)))
  return { product, rows: opened, proofs }
}
