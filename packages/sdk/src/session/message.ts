import { MessageTooLargeError, SessionMessageError } from '../errors/session.ts'
import { maxMessageBytes } from '../relay/frame.ts'

/** A decrypted message: a JSON header and bytes. */
export interface Message {
  readonly header: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

/** Most bytes of one plaintext: what the relay carries, less tag and salt. */
export const maxPlaintextBytes = maxMessageBytes - 16 - 32
/** Bytes of a bulk body: bundles and outputs travel in pieces of this size. */
export const bulkBytes = 262_144

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const empty = new Uint8Array(0)

/** Writes a message: 4 bytes big-endian length of the header, header as JSON, body. */
export function encodeMessage(
  header: Readonly<Record<string, unknown>>,
  body: Uint8Array = empty,
): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(JSON.stringify(header))
  const size = 4 + head.length + body.length
  if (size > maxPlaintextBytes) throw new MessageTooLargeError({ size, max: maxPlaintextBytes })
  const bytes = new Uint8Array(size)
  new DataView(bytes.buffer).setUint32(0, head.length)
  bytes.set(head, 4)
  bytes.set(body, 4 + head.length)
  return bytes
}

/** Reads a message; the body is a view on the same memory. Throws SessionMessageError. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < 4) throw new SessionMessageError({ reason: `it has only ${bytes.length} bytes` })
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  if (length > bytes.length - 4)
    throw new SessionMessageError({
      reason: `its header has ${length} bytes, the message only ${bytes.length - 4}`,
    })
  const header = readJson(bytes.subarray(4, 4 + length))
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new SessionMessageError({ reason: 'its header is not a JSON object' })
  return { header: header as Record<string, unknown>, body: bytes.subarray(4 + length) }
}

/** Reads JSON from UTF-8 bytes. Throws SessionMessageError. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    throw new SessionMessageError({ reason: 'its header is not JSON in UTF-8' })
  }
}
