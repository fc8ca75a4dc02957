import { type Address, type Hash, type Hex, hashTypedData, isAddressEqual } from 'viem'
import * as z from 'zod'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import type { Signer } from '../accounts/signer.ts'
import { addressSchema, hashSchema, signatureSchema } from '../border/primitives.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import { RelayGatewayError } from '../errors/relay.ts'

/** First message of a gateway to a device that dials in. */
export const relayChallengeSchema = z.strictObject({ type: z.literal('challenge'), nonce: hashSchema })
/** The device's answer. */
export const relayHelloSchema = z.strictObject({
  type: z.literal('hello'),
  device: addressSchema,
  chainId: z.int().positive(),
  /** The gateway that the device dialled, as `relayAddress` writes it. */
  gateway: z.string().max(2048),
  signature: signatureSchema,
})
/** The gateway took the device. */
export const relayReadySchema = z.strictObject({ type: z.literal('ready') })

/** A device's answer to a gateway's challenge. */
export type RelayHello = z.output<typeof relayHelloSchema>

/** Why the relay closed a connection, as WebSocket close codes. */
export const relayClose = {
  noSuchDevice: 4404,
  deviceGone: 4410,
  tooManySessions: 4429,
  messageTooLarge: 4413,
} as const

const types = {
  Hello: [
    { name: 'nonce', type: 'bytes32' },
    { name: 'device', type: 'address' },
    { name: 'gateway', type: 'string' },
  ],
} as const

const typedData = (
  { device, chainId, gateway }: Pick<RelayHello, 'device' | 'chainId' | 'gateway'>,
  nonce: Hash,
) =>
  ({
    domain: { name: 'Millrace Relay', version: '1', chainId },
    types,
    primaryType: 'Hello',
    message: { nonce, device, gateway },
  }) as const

/**
 * Writes a gateway's address the one way in which it is signed: scheme and host in lower case, no usual port, no slash at
 * the end.
 *
 * @param url Base URL of the gateway, `http:`, `https:`, `ws:` or `wss:`.
 * @returns The address, such as `https://gateway.example`.
 * @throws TypeError if it is no URL.
 * @example
 * relayAddress('HTTPS://Gateway.example:443/') // 'https://gateway.example'
 */
export function relayAddress(url: string): string {
  const { origin, pathname } = new URL(url.replace(/^ws/i, 'http'))
  return `${origin}${pathname.replace(/\/+$/, '')}`
}

/**
 * Answers a gateway's challenge with the device's key. The answer names the gateway, so that one which passes on another's
 * challenge cannot use it.
 *
 * @param signer The device's account.
 * @param options The gateway's nonce (32 bytes), the chain id, and the URL that was dialled.
 * @returns The message to send as JSON.
 * @example
 * socket.send(JSON.stringify(await signRelayHello(device, { nonce, chainId: 31337, gateway })))
 */
export async function signRelayHello(
  signer: Signer,
  options: { readonly nonce: Hash; readonly chainId: number; readonly gateway: string },
): Promise<RelayHello> {
  const { nonce, chainId } = options
  const named = { device: signer.address, chainId, gateway: relayAddress(options.gateway) }
  const signature: Hex = await signer.signTypedData(typedData(named, nonce))
  return { type: 'hello', ...named, signature }
}

/**
 * Checks that a device holds the key it names, and that it meant this gateway.
 *
 * @param hello The device's answer.
 * @param options The nonce that was sent to it, the chain id of this gateway, and its addresses as `relayAddress` writes
 * them.
 * @returns The device.
 * @throws RelayGatewayError if it dialled another gateway; SignatureInvalidError if another key signed, or another nonce,
 * or for another chain.
 * @example
 * const device = await verifyRelayHello(hello, { nonce, chainId: 31337, gateways: ['https://gateway.example'] })
 */
export async function verifyRelayHello(
  hello: RelayHello,
  options: { readonly nonce: Hash; readonly chainId: number; readonly gateways: readonly string[] },
): Promise<Address> {
  const { nonce, chainId, gateways } = options
  if (!gateways.includes(hello.gateway))
    throw new RelayGatewayError({ gateway: hello.gateway, allowed: gateways })
  const digest = hashTypedData(typedData({ ...hello, chainId }, nonce))
  const recovered = await recoverSigner(digest, hello.signature)
  if (recovered === null || !isAddressEqual(recovered, hello.device) || hello.chainId !== chainId)
    throw new SignatureInvalidError({ what: 'relay hello', wanted: hello.device, recovered })
  return hello.device
}
