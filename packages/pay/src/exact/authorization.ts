import { hashSchema, signatureSchema, uintSchema } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import * as z from 'zod'

/** A transfer that the payer has authorised. Amount in base units, times in Unix seconds. */
export interface Authorization {
  readonly from: Address
  readonly to: Address
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: Hash
}

/** In lower case, not checksummed: a checksum costs a hash, and this is read for every payment. */
const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((value) => value.toLowerCase() as Address)

/** `payload` of a payment by `exact` with EIP-3009, read into its inner form. */
export const exactPayloadSchema = z.object({
  signature: signatureSchema,
  authorization: z.object({
    from: addressSchema,
    to: addressSchema,
    value: uintSchema(256),
    validAfter: uintSchema(256),
    validBefore: uintSchema(256),
    nonce: hashSchema,
  }),
})

/** The same as it travels in JSON. */
export type ExactPayload = z.input<typeof exactPayloadSchema>

/** The EIP-712 type, for signers that want it as data. */
export const authorizationTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

export const authorizationType =
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)'

/** Writes an authorization for JSON. */
export function authorizationToJson(authorization: Authorization): ExactPayload['authorization'] {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  return {
    from,
    to,
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
    nonce,
  }
}
