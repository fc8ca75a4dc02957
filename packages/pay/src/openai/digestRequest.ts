import { concat, type Hash, keccak256, stringToBytes } from 'viem'

/**
 * Names a request by what it asks: keccak256 over the hashes of method, URL and body, so that no part can run into the next.
 *
 * @param request Method in capitals, absolute URL, and the bytes of the body.
 * @returns 32 bytes in hex.
 * @example
 * const digest = digestRequest({ method: 'POST', url, body: new TextEncoder().encode(text) })
 */
export function digestRequest(request: {
  readonly method: string
  readonly url: string
  readonly body: Uint8Array
}): Hash {
  const { method, url, body } = request
  return keccak256(concat([keccak256(stringToBytes(method)), keccak256(stringToBytes(url)), keccak256(body)]))
}
