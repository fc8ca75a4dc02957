import { type AeadEncryptionContext, CipherSuite, HkdfSha256 } from '@hpke/core'
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519'
import { chacha20Poly1305 } from './chacha.ts'

const utf8 = new TextEncoder()
const none = new Uint8Array(0)

/** Binds the keys of a session to this protocol. */
export const sessionInfo = utf8.encode('millrace/session/1')
const replyLabel = utf8.encode('millrace/session/1/reply')
/** Bytes of the encapsulated key in front of a session's first message. */
export const encBytes = 32
/** Bytes of the device's salt in front of its first message. */
export const saltBytes = 32

const aead = chacha20Poly1305()

/** The suite of protocol §6. */
export const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead })

/** Turns one message after the other into what travels, or back; each call is one step of the sequence. */
export type Step = (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>

/**
 * Keys of the device's direction: HKDF-SHA256 of the exported secret, salted with `enc` and 32 bytes that the device
 * draws for each session. Without the device's own salt, a repeated hello would make it use a key and nonce twice.
 */
export async function replyContext(
  exporter: { export(label: Uint8Array, length: number): Promise<ArrayBuffer> },
  enc: Uint8Array,
  salt: Uint8Array,
): Promise<AeadEncryptionContext> {
  const secret = await exporter.export(replyLabel, 32)
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  const both = new Uint8Array(encBytes + saltBytes)
  both.set(enc)
  both.set(salt, encBytes)
  const key = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: both, info: new Uint8Array(replyLabel) },
    material,
    256,
  )
  return aead.createEncryptionContext(key)
}

/** Seals the device's messages under a nonce that counts from 0. */
export function sealReplies(context: AeadEncryptionContext): Step {
  const nonce = counter()
  return async (bytes) => new Uint8Array(await context.seal(nonce(), bytes, none))
}

/** Opens the device's messages in order. */
export function openReplies(context: AeadEncryptionContext): Step {
  const nonce = counter()
  return async (bytes) => new Uint8Array(await context.open(nonce(), bytes, none))
}

/** 12 bytes big-endian, counting from 0. */
function counter(): () => Uint8Array {
  let next = 0
  return () => {
    const bytes = new Uint8Array(12)
    const view = new DataView(bytes.buffer)
    view.setUint32(4, Math.floor(next / 2 ** 32))
    view.setUint32(8, next >>> 0)
    next++
    return bytes
  }
}
