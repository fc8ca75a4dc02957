import type { Address, Hash, Hex } from 'viem'
import { loadKeccak } from './loadKeccak.ts'
import { loadSecp256k1, type Secp256k1 } from './loadSecp256k1.ts'
import { fromHex, toHex } from './words.ts'

/** Hashes and signatures of Ethereum, as fast as this machine can. */
export interface Curve {
  /** `native` is the C library, `noble` the one in JavaScript, some thirty times slower. */
  readonly implementation: 'native' | 'noble'
  /** 32 bytes; the next call overwrites nothing of it. */
  keccak256(bytes: Uint8Array): Uint8Array
  /**
   * Who signed a digest, in lower case; null if the signature is none that the contracts take: 65 bytes, `s` in the lower
   * half, `v` 27 or 28 (0 or 1 are read as these).
   */
  recover(digest: Uint8Array, signature: Hex): Address | null
  /** Signs a digest: 65 bytes, `s` in the lower half, `v` 27 or 28. Throws PrivateKeyInvalidError. */
  sign(digest: Uint8Array, privateKey: Uint8Array): Hex
  /** Address of a private key, in lower case. Throws PrivateKeyInvalidError. */
  addressOf(privateKey: Uint8Array): Address
}

/** Half of the order of secp256k1: a larger `s` is the same signature written a second way. */
const halfOrder = fromHex('0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')
const opened = new Map<string, Promise<Curve>>()

/**
 * Loads hashes and signatures: keccak in WebAssembly, secp256k1 in C where its library can be loaded, else in JavaScript.
 * It is loaded once however often this is called.
 *
 * @param options `implementation` forces one of the two, for tests and measurements.
 * @returns The functions; all are synchronous.
 * @example
 * const curve = await openCurve()
 * const signer = curve.recover(digest, signature)
 */
export function openCurve(options: { readonly implementation?: 'native' | 'noble' } = {}): Promise<Curve> {
  const key = options.implementation ?? 'best'
  const found = opened.get(key)
  if (found !== undefined) return found
  const opening = Promise.all([loadKeccak(), loadSecp256k1(options.implementation)]).then(
    ([keccak256, secp256k1]) => createCurve(keccak256, secp256k1),
  )
  opened.set(key, opening)
  return opening
}

function createCurve(keccak256: (bytes: Uint8Array) => Uint8Array, secp256k1: Secp256k1): Curve {
  /** The public key comes as 65 bytes, of which the first only says so. */
  const addressOfPublic = (publicKey: Uint8Array): Address =>
    toHex(keccak256(publicKey.subarray(1)).subarray(12))
  return {
    implementation: secp256k1.implementation,
    keccak256,
    recover(digest, signature) {
      if (signature.length !== 132) return null
      const bytes = fromHex(signature)
      const v = bytes[64] ?? 255
      const parity = v >= 27 ? v - 27 : v
      if (parity > 1 || isAbove(bytes.subarray(32, 64), halfOrder)) return null
      const publicKey = secp256k1.recover(digest, bytes.subarray(0, 64), parity)
      return publicKey === null ? null : addressOfPublic(publicKey)
    },
    sign(digest, privateKey) {
      const { signature, parity } = secp256k1.sign(digest, privateKey)
      return `${toHex(signature)}${parity === 0 ? '1b' : '1c'}`
    },
    addressOf: (privateKey) => addressOfPublic(secp256k1.publicKeyOf(privateKey)),
  }
}

function isAbove(value: Uint8Array, most: Uint8Array): boolean {
  for (let index = 0; index < most.length; index++) {
    const difference = (value[index] ?? 0) - (most[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}

/** 32 bytes as the hash that viem knows. */
export const toHash = (bytes: Uint8Array): Hash => toHex(bytes)
