import type { Address } from 'viem'
import type { Curve } from './openCurve.ts'
import { writeHex, writeUint } from './words.ts'

/** An EIP-712 domain with all four fields, or without a version, as Permit2 has it. */
export interface TypedDomain {
  readonly name: string
  readonly version?: string
  readonly chainId: number
  readonly verifyingContract: Address
}

const encoder = new TextEncoder()
const domainType = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
const unversionedType = 'EIP712Domain(string name,uint256 chainId,address verifyingContract)'
/** How many domain separators are remembered; a stranger's domains push out each other, not memory. */
const maxDomains = 1024

/** EIP-712 digests without a schema: the caller lays out the words of a struct, this hashes them. */
export interface TypedHasher {
  /** keccak256 of a type's text, for the first word of a struct. */
  typeHash(type: string): Uint8Array
  /** The digest to sign for a struct that is already laid out, type hash first. */
  digest(domain: TypedDomain, struct: Uint8Array): Uint8Array
}

/**
 * Hashes typed data by hand, about six times faster than by a general encoder: domain separators are remembered, structs
 * come laid out.
 *
 * @param curve The hash function.
 * @returns The hasher.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = createTypedHasher(curve).digest(domain, words)
 */
export function createTypedHasher(curve: Curve): TypedHasher {
  const separators = new Map<string, Uint8Array>()
  const typeHash = (type: string) => curve.keccak256(encoder.encode(type))
  const domainTypeHash = typeHash(domainType)
  const unversionedTypeHash = typeHash(unversionedType)

  function separatorOf({ name, version, chainId, verifyingContract }: TypedDomain): Uint8Array {
    const key = `${chainId} ${verifyingContract} ${version?.length} ${version}${name}`
    const known = separators.get(key)
    if (known !== undefined) return known
    const hashes =
      version === undefined
        ? [unversionedTypeHash, typeHash(name)]
        : [domainTypeHash, typeHash(name), typeHash(version)]
    const words = new Uint8Array(32 * hashes.length + 64)
    for (const [index, hash] of hashes.entries()) words.set(hash, 32 * index)
    writeUint(words, words.length - 32, BigInt(chainId))
    writeHex(words, words.length, verifyingContract)
    const separator = curve.keccak256(words)
    const [oldest] = separators.keys()
    if (separators.size >= maxDomains && oldest !== undefined) separators.delete(oldest)
    separators.set(key, separator)
    return separator
  }

  const message = new Uint8Array(66)
  message.set([0x19, 0x01], 0)
  return {
    typeHash,
    digest(domain, struct) {
      message.set(separatorOf(domain), 2)
      message.set(curve.keccak256(struct), 34)
      return curve.keccak256(message)
    },
  }
}
