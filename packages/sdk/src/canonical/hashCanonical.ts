import { type Hash, keccak256, stringToBytes } from 'viem'
import { canonicalJson } from './canonicalJson.ts'

/**
 * Hashes a value by its canonical JSON: keccak256 of the UTF-8 bytes. Documents are named by this hash on chain.
 *
 * @param value What `canonicalJson` takes.
 * @returns 32 bytes in hex.
 * @throws NotCanonicalError if a part of the value has no canonical form.
 * @example
 * hashCanonical(spec) === offer.spec
 */
export function hashCanonical(value: unknown): Hash {
  return keccak256(stringToBytes(canonicalJson(value)))
}
