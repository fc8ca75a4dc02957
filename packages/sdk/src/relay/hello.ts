import { type Address, type Hash, type Hex, hashTypedData, isAddressEqual } from 'viem'
import * as z from 'zod'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import type { Signer } from '../accounts/signer.ts'
import { addressSchema, hashSchema, signatureSchema } from '../border/primitives.ts'
import { SignatureInvalidError } from '../errors/market.ts'

/** First message of a gateway to a device that dials in. */
export const relayChallengeSchema = z.strictObject({ type: z.literal('challenge'), nonce: hashSchema })
/** The device's answer. */
export const relayHelloSchema = z.strictObject({
  type: z.literal('hello'),
  device: addressSchema,
  chainId: z.int().positive(),
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
  ],
} as const

const typedData = (nonce: Hash, device: Address, chainId: number) =>
  ({
    domain: { name: 'Millrace Relay', version: '1', chainId },
    types,
    primaryType: 'Hello',
    message: { nonce, device },
  }) as const

/**
 * Answers a gateway's challenge with the device's key.
 *
 * @param signer The device's account.
 * @param options The gateway's nonce (32 bytes) and the chain id.
 * @returns The message to send as JSON.
 * @example
 * socket.send(JSON.stringify(await signRelayHello(device, { nonce, chainId: 31337 })))
 */
export async function signRelayHello(
  signer: Signer,
  options: { readonly nonce: Hash; readonly chainId: number },
): Promise<RelayHello> {
  const { nonce, chainId } = options
  const signature: Hex = await signer.signTypedData(typedData(nonce, signer.address, chainId))
  return { type: 'hello', device: signer.address, chainId, signature }
}

/**
 * Checks that a device holds the key it names.
 *
 * @param hello The device's answer.
 * @param options The nonce that was sent to it, and the chain id of this gateway.
 * @returns The device.
 * @throws SignatureInvalidError if another key signed, or another nonce, or for another chain.
 * @example
 * const device = await verifyRelayHello(hello, { nonce, chainId: 31337 })
 */
export async function verifyRelayHello(
  hello: RelayHello,
  options: { readonly nonce: Hash; readonly chainId: number },
): Promise<Address> {
  const digest = hashTypedData(typedData(options.nonce, hello.device, options.chainId))
  const recovered = await recoverSigner(digest, hello.signature)
  if (recovered === null || !isAddressEqual(recovered, hello.device) || hello.chainId !== options.chainId)
    throw new SignatureInvalidError({ what: 'relay hello', wanted: hello.device, recovered })
  return hello.device
}
