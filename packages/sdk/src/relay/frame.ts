import { bytesToHex, type Hex, hexToBytes } from 'viem'
import { FrameInvalidError } from '../errors/relay.ts'

/** What a frame does: opens a session, carries its data, closes it. */
export type FrameKind = 'open' | 'data' | 'close'

/** One binary message between gateway and device (protocol §5). */
export interface Frame {
  /** Session id that the gateway chose: 16 bytes in hex. */
  readonly session: Hex
  readonly kind: FrameKind
  readonly payload: Uint8Array
}

/** Bytes in front of a frame's payload. */
export const frameOverhead = 17
/** Most bytes that one message of a session may have. */
export const maxMessageBytes = 1_048_576

const kinds = ['open', 'data', 'close'] as const

/**
 * Writes a frame: 16 bytes of session id, 1 byte of kind, payload.
 *
 * @param frame Session id (16 bytes in hex), kind and payload.
 * @returns The bytes to send.
 * @throws FrameInvalidError if the id is not 16 bytes or the payload is over 1 MiB.
 * @example
 * socket.send(encodeFrame({ session, kind: 'data', payload }))
 */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  if (!/^0x[0-9a-fA-F]{32}$/.test(frame.session))
    throw new FrameInvalidError({ reason: `the session id '${frame.session}' is not 16 bytes` })
  if (frame.payload.length > maxMessageBytes)
    throw new FrameInvalidError({
      reason: `its payload has ${frame.payload.length} bytes, at most ${maxMessageBytes} are allowed`,
    })
  const bytes = new Uint8Array(frameOverhead + frame.payload.length)
  bytes.set(hexToBytes(frame.session))
  bytes[16] = kinds.indexOf(frame.kind)
  bytes.set(frame.payload, frameOverhead)
  return bytes
}

/**
 * Reads a frame.
 *
 * @param bytes One binary message.
 * @returns Session id, kind and payload; the payload is a view on the same memory.
 * @throws FrameInvalidError if it is too short, too long or of an unknown kind.
 * @example
 * const { session, kind, payload } = decodeFrame(new Uint8Array(message))
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < frameOverhead)
    throw new FrameInvalidError({
      reason: `it has ${bytes.length} bytes, at least ${frameOverhead} are needed`,
    })
  if (bytes.length > frameOverhead + maxMessageBytes)
    throw new FrameInvalidError({
      reason: `its payload has ${bytes.length - frameOverhead} bytes, at most ${maxMessageBytes} are allowed`,
    })
  const kind = kinds[bytes[16] ?? -1]
  if (kind === undefined) throw new FrameInvalidError({ reason: `its kind is ${bytes[16]}, not 0, 1 or 2` })
  return { session: bytesToHex(bytes.subarray(0, 16)), kind, payload: bytes.subarray(frameOverhead) }
}
