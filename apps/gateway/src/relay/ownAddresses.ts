import { hostname, networkInterfaces } from 'node:os'
import { relayAddress } from '@millrace/sdk'

/**
 * The addresses under which a device may mean this gateway: the public ones that it was told, and this machine's own. A
 * device signs which one it dialled; an address that another gateway could have as well must not be among them, so once
 * there are public ones only the loopback stays beside them.
 */
export function ownAddresses(port: number, urls: readonly string[] = []): readonly string[] {
  const loopback = ['127.0.0.1', '[::1]', 'localhost']
  const machine = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address, family }) => (family === 'IPv6' ? `[${address.split('%')[0]}]` : address)),
  )
  const hosts = urls.length > 0 ? loopback : [...loopback, hostname(), ...machine]
  const own = hosts.map((host) => `http://${host}:${port}`).filter((url) => URL.canParse(url))
  return [...new Set([...urls, ...own].map(relayAddress))]
}
