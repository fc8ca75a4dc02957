import type { Hex } from 'viem'

/** One part of the machine that multiplies: its CPU, or one GPU. */
export interface Unit {
  readonly name: string
  readonly uuid: string | null
}

/** What is to be multiplied. */
export interface ProductTask {
  readonly n: number
  readonly seed: Hex
}

/** A computed and committed product, kept until it is opened or dropped. */
export interface Product {
  /** What computed it, as in `wasm`. */
  readonly engine: string
  /** Each unit with the Merkle root of its C. */
  readonly units: readonly (Unit & { readonly root: Hex })[]
  /** The openings of all units, one after the other, each as the SDK's `encodeOpening` writes it. */
  open(r: Hex, rows: readonly number[]): Promise<Uint8Array>
  /** Frees everything; may be called at any time and more than once. */
  close(): Promise<void>
}

/** Something that computes products. Rejects with the signal's reason when it is aborted. */
export type Engine = (task: ProductTask, signal: AbortSignal) => Promise<Product>
