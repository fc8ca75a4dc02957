import { secp256k1 as noble } from '@noble/curves/secp256k1'
import { PrivateKeyInvalidError } from './errors.ts'

/** secp256k1 on bytes: digests of 32, signatures of 64, public keys of 65. */
export interface Secp256k1 {
  readonly implementation: 'native' | 'noble'
  recover(digest: Uint8Array, signature: Uint8Array, parity: number): Uint8Array | null
  sign(
    digest: Uint8Array,
    privateKey: Uint8Array,
  ): { readonly signature: Uint8Array; readonly parity: number }
  publicKeyOf(privateKey: Uint8Array): Uint8Array
}

/**
 * Loads secp256k1. The package `secp256k1` would itself fall back on a JavaScript library of its own, so only its binding
 * is taken here: where that cannot be loaded (no prebuilt one for the machine, a browser), noble's is the better choice.
 */
export async function loadSecp256k1(wanted?: 'native' | 'noble'): Promise<Secp256k1> {
  if (wanted === 'noble') return createNoble()
  try {
    const { default: binding } = await import('secp256k1/bindings.js')
    return createNative(binding)
  } catch (error) {
    if (wanted === 'native') throw error
    return createNoble()
  }
}

type Native = Pick<
  typeof import('secp256k1'),
  'ecdsaRecover' | 'ecdsaSign' | 'publicKeyCreate' | 'privateKeyVerify'
>

function createNative(native: Native): Secp256k1 {
  const check = (privateKey: Uint8Array) => {
    if (privateKey.length !== 32 || !native.privateKeyVerify(privateKey))
      throw new PrivateKeyInvalidError({ bytes: privateKey.length })
  }
  return {
    implementation: 'native',
    recover(digest, signature, parity) {
      try {
        return native.ecdsaRecover(signature, parity, digest, false)
      } catch {
        // Not a point of the curve: nobody signed this.
        return null
      }
    },
    sign(digest, privateKey) {
      check(privateKey)
      const { signature, recid } = native.ecdsaSign(digest, privateKey)
      return { signature, parity: recid }
    },
    publicKeyOf(privateKey) {
      check(privateKey)
      return native.publicKeyCreate(privateKey, false)
    },
  }
}

function createNoble(): Secp256k1 {
  const check = (privateKey: Uint8Array) => {
    if (!noble.utils.isValidPrivateKey(privateKey))
      throw new PrivateKeyInvalidError({ bytes: privateKey.length })
  }
  return {
    implementation: 'noble',
    recover(digest, signature, parity) {
      try {
        return noble.Signature.fromCompact(signature)
          .addRecoveryBit(parity)
          .recoverPublicKey(digest)
          .toRawBytes(false)
      } catch {
        return null
      }
    },
    sign(digest, privateKey) {
      check(privateKey)
      const signature = noble.sign(digest, privateKey, { lowS: true })
      return { signature: signature.toCompactRawBytes(), parity: signature.recovery }
    },
    publicKeyOf(privateKey) {
      check(privateKey)
      return noble.getPublicKey(privateKey, false)
    },
  }
}
