import type * as z from 'zod'
import { fastBase64, portableBase64 } from './base64Codec.ts'
import { HeaderFieldsError, HeaderNotBase64Error, HeaderNotJsonError, HeaderTooLargeError } from './errors.ts'

/** Longest header that is read or written, in bytes; what Node and most proxies take for all headers together. */
export const maxHeaderBytes = 16_384

const alphabets = { standard: /^[A-Za-z0-9+/]*={0,2}$/, url: /^[A-Za-z0-9_-]*$/ } as const
/** `standard` is padded, as in x402; `url` is not, as in MPP. */
export type Base64Alphabet = keyof typeof alphabets

const codec = fastBase64 ?? portableBase64
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Encodes text as base64 of its UTF-8. */
export function toBase64(text: string, alphabet: Base64Alphabet = 'standard'): string {
  return bytesToBase64(encoder.encode(text), alphabet)
}

export function bytesToBase64(bytes: Uint8Array, alphabet: Base64Alphabet = 'standard'): string {
  const encoded = codec.encode(bytes)
  return alphabet === 'standard'
    ? encoded
    : encoded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Writes a value as the content of a header. */
export function encodeHeader(header: string, value: unknown, alphabet: Base64Alphabet = 'standard'): string {
  const encoded = toBase64(JSON.stringify(value), alphabet)
  if (encoded.length > maxHeaderBytes)
    throw new HeaderTooLargeError({ header, bytes: encoded.length, most: maxHeaderBytes })
  return encoded
}

/** Reads the content of a header: base64 of JSON that fits `schema`. */
export function decodeHeader<schema extends z.ZodType>(
  header: string,
  text: string,
  options: { readonly schema: schema; readonly alphabet?: Base64Alphabet },
): z.output<schema> {
  const { schema, alphabet = 'standard' } = options
  const result = schema.safeParse(decodeJson(header, text, alphabet))
  if (result.success) return result.data
  throw new HeaderFieldsError({
    header,
    issues: result.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  })
}

function decodeJson(header: string, text: string, alphabet: Base64Alphabet): unknown {
  if (text.length > maxHeaderBytes)
    throw new HeaderTooLargeError({ header, bytes: text.length, most: maxHeaderBytes })
  if (!alphabets[alphabet].test(text)) throw new HeaderNotBase64Error({ header })
  const bytes = codec.decode(alphabet === 'url' ? text.replaceAll('-', '+').replaceAll('_', '/') : text)
  if (bytes === null) throw new HeaderNotBase64Error({ header })
  let json: string
  try {
    json = decoder.decode(bytes)
  } catch (cause) {
    throw new HeaderNotBase64Error({ header, cause })
  }
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new HeaderNotJsonError({ header, cause })
  }
}
