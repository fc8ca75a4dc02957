import { createKeccak } from 'hash-wasm'

/** Loads keccak256 in WebAssembly, three to ten times faster than in JavaScript. */
export async function loadKeccak(): Promise<(bytes: Uint8Array) => Uint8Array> {
  const hasher = await createKeccak(256)
  return (bytes) => hasher.init().update(bytes).digest('binary')
}
