import type { Hex } from 'viem'

const digits = new Uint8Array(128).fill(255)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

/**
 * Writes hex into `target` so that it ends before `end`, as the ABI aligns numbers and addresses. The caller has checked
 * that it is hex: what is none is written as other bytes.
 */
export function writeHex(target: Uint8Array, end: number, hex: Hex): void {
  let at = end - 1
  for (let index = hex.length - 1; index > 1; index -= 2) {
    const low = digits[hex.charCodeAt(index)] ?? 0
    const high = index > 2 ? (digits[hex.charCodeAt(index - 1)] ?? 0) : 0
    target[at--] = (high << 4) | low
  }
}

/** Writes a whole number big-endian so that it ends before `end`. */
export function writeUint(target: Uint8Array, end: number, value: bigint): void {
  let at = end
  let rest = value
  while (rest > 0xffff_ffffn) {
    at = writeUint32(target, at, Number(rest & 0xffff_ffffn))
    rest >>= 32n
  }
  writeUint32(target, at, Number(rest))
}

function writeUint32(target: Uint8Array, end: number, value: number): number {
  target[end - 1] = value & 255
  target[end - 2] = (value >>> 8) & 255
  target[end - 3] = (value >>> 16) & 255
  target[end - 4] = value >>> 24
  return end - 4
}

const pairs = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))

/** Bytes as hex. */
export function toHex(bytes: Uint8Array): Hex {
  let text = ''
  for (const byte of bytes) text += pairs[byte]
  return `0x${text}`
}

/** Hex as bytes; the caller has checked that it is hex. */
export function fromHex(hex: Hex): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((hex.length - 2) / 2))
  writeHex(bytes, bytes.length, hex)
  return bytes
}
