import { type Address, type Hash, type Hex, hashTypedData, zeroHash } from 'viem'
import * as z from 'zod'
import type { Signer } from '../accounts/signer.ts'
import { hashSchema, signatureSchema, uint40Schema } from '../border/primitives.ts'
import type { MarketDomain } from '../market/domain.ts'

/** The sealed first message of a session (protocol §6). */
export const sessionHelloSchema = z.strictObject({
  version: z.literal(1),
  lease: hashSchema.nullable(),
  at: uint40Schema,
  signature: signatureSchema,
})

/** What a buyer says first. */
export type SessionHello = z.output<typeof sessionHelloSchema>

/** How far a hello's time may be off, in seconds. */
export const helloTolerance = 120

const types = {
  Session: [
    { name: 'lease', type: 'bytes32' },
    { name: 'enc', type: 'bytes32' },
    { name: 'at', type: 'uint40' },
  ],
} as const

const typedData = (hello: { lease: Hash | null; enc: Hash; at: number }, { chainId, market }: MarketDomain) =>
  ({
    domain: { name: 'Millrace Session', version: '1', chainId, verifyingContract: market },
    types,
    primaryType: 'Session',
    message: { lease: hello.lease ?? zeroHash, enc: hello.enc, at: hello.at },
  }) as const

/** The digest that the buyer signs. */
export const hashSession = (
  hello: { readonly lease: Hash | null; readonly enc: Hash; readonly at: number },
  domain: MarketDomain,
): Hash => hashTypedData(typedData(hello, domain))

/** The buyer's signature over lease, encapsulated key and time. */
export const signSession = (
  signer: Signer,
  hello: { readonly lease: Hash | null; readonly enc: Hash; readonly at: number },
  domain: MarketDomain,
): Promise<Hex> => signer.signTypedData(typedData(hello, domain))

/** What a device decides on: a hello that decrypted, came in time and is no repetition. */
export interface VerifiableHello extends SessionHello {
  /** The encapsulated key; different for each session. */
  readonly enc: Hash
  /** The digest that the buyer signed; ask ERC-1271 with it if the buyer is a contract. */
  readonly digest: Hash
  /** The account that signed, or `null` if none did. */
  readonly signer: Address | null
}
