/** Bytes as base64 with padding and back, in the standard alphabet. */
export interface Base64Codec {
  encode(bytes: Uint8Array): string
  /** Null where the text is none, as `atob` sees it. The caller has checked its letters. */
  decode(text: string): Uint8Array | null
}

/** Made of what browsers have as well. */
export const portableBase64: Base64Codec = {
  encode(bytes) {
    let binary = ''
    for (const byte of bytes) binary += String.fromCharCode(byte)
    return btoa(binary)
  },
  decode(text) {
    try {
      const binary = atob(text)
      const bytes = new Uint8Array(binary.length)
      for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
      return bytes
    } catch {
      return null
    }
  },
}

/** Where Node's buffers are: some twenty times faster, and without a string of the same length in between. Every paid call needs it twice. */
export const fastBase64: Base64Codec | null =
  globalThis.Buffer === undefined
    ? null
    : {
        encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
        decode(text) {
          // A buffer skips what it cannot read; a header that was cut is refused.
          const rest = text.length % 4 === 0 ? text.replace(/==?$/, '') : text
          return rest.length % 4 === 1 || rest.includes('=') ? null : Buffer.from(rest, 'base64')
        },
      }
