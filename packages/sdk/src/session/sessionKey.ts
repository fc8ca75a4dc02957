import { bytesToHex, type Hash, type Hex, hexToBytes } from 'viem'
import { SessionHelloError } from '../errors/session.ts'
import { suite } from './suite.ts'

/** A device's X25519 key pair for sessions, 32 bytes each. */
export interface SessionKey {
  /** Stands in the spec as `sessionKey`. */
  readonly publicKey: Hash
  /** Stays on the machine. */
  readonly privateKey: Hex
}

/**
 * Draws a key pair for a device's sessions.
 *
 * @returns Public and private key, 32 bytes each in hex.
 * @example
 * const { publicKey, privateKey } = await generateSessionKey()
 */
export async function generateSessionKey(): Promise<SessionKey> {
  const pair = await suite.kem.generateKeyPair()
  return {
    publicKey: bytesToHex(new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))),
    privateKey: bytesToHex(new Uint8Array(await suite.kem.serializePrivateKey(pair.privateKey))),
  }
}

/** Reads a session key. Throws SessionHelloError if it is none. */
export async function importSessionKey(key: Hex, side: 'public' | 'private'): Promise<CryptoKey> {
  try {
    const bytes = hexToBytes(key)
    return await (side === 'public'
      ? suite.kem.deserializePublicKey(bytes)
      : suite.kem.deserializePrivateKey(bytes))
  } catch (cause) {
    throw new SessionHelloError({ reason: `the ${side} session key is not 32 bytes of X25519`, cause })
  }
}
