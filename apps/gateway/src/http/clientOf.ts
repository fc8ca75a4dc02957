import { isIPv6 } from 'node:net'

/**
 * Who asks, for limits: the address of the connection, or the last one that a trusted proxy noted. An IPv6 client is its /64,
 * for it can have any address in it.
 * @param remote Address of the connection.
 * @param forwarded The proxy's header, if the gateway was told to trust one: `1.2.3.4, 5.6.7.8`.
 */
export function clientOf(remote: string | undefined, forwarded: string | undefined): string {
  const noted = forwarded?.split(',').at(-1)?.trim()
  const address = (noted !== undefined && noted !== '' ? noted : remote) ?? 'unknown'
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right].slice(0, 4).join(':')
}
