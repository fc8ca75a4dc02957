import { signatureSchema, uintSchema } from '@millrace/sdk'
import type { Address } from 'viem'
import * as z from 'zod'

/** A transfer through Permit2 that the payer has authorised, by `upto`. Amount in base units, times in Unix seconds. */
export interface UptoPermit {
  readonly from: Address
  /** The most that may be moved. */
  readonly permitted: { readonly token: Address; readonly amount: bigint }
  readonly spender: Address
  /** Any number; Permit2 remembers it as a bit. */
  readonly nonce: bigint
  readonly deadline: bigint
  readonly witness: {
    readonly to: Address
    /** The only account that may settle. */
    readonly facilitator: Address
    readonly validAfter: bigint
  }
}

/** In lower case, not checksummed: a checksum costs a hash, and this is read for every payment. */
const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((value) => value.toLowerCase() as Address)

/** `payload` of a payment by `upto`, read into its inner form. */
export const uptoPayloadSchema = z.object({
  signature: signatureSchema,
  permit2Authorization: z.object({
    from: addressSchema,
    permitted: z.object({ token: addressSchema, amount: uintSchema(256) }),
    spender: addressSchema,
    nonce: uintSchema(256),
    deadline: uintSchema(256),
    witness: z.object({ to: addressSchema, facilitator: addressSchema, validAfter: uintSchema(256) }),
  }),
})

/** The same as it travels in JSON. */
export type UptoPayload = z.input<typeof uptoPayloadSchema>

/** The EIP-712 types, for signers that want them as data. */
export const uptoPermitTypes = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'Witness' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'facilitator', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const

/** The texts of the same types, as they are hashed. */
export const uptoTypeTexts = {
  permitted: 'TokenPermissions(address token,uint256 amount)',
  witness: 'Witness(address to,address facilitator,uint256 validAfter)',
  permit:
    'PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)' +
    'TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)',
} as const

/** Writes a permit for JSON. */
export function permitToJson(permit: UptoPermit): UptoPayload['permit2Authorization'] {
  const { from, permitted, spender, nonce, deadline, witness } = permit
  return {
    from,
    permitted: { token: permitted.token, amount: permitted.amount.toString() },
    spender,
    nonce: nonce.toString(),
    deadline: deadline.toString(),
    witness: {
      to: witness.to,
      facilitator: witness.facilitator,
      validAfter: witness.validAfter.toString(),
    },
  }
}

/** Name of the extension by which a payer signs its approval of Permit2, instead of sending it. */
export const approvalExtension = 'eip2612GasSponsoring'

/** `info` of that extension in a payment: a permit of the token for Permit2 (EIP-2612). */
export const approvalSchema = z.object({
  from: addressSchema,
  asset: addressSchema,
  spender: addressSchema,
  amount: uintSchema(256),
  nonce: uintSchema(256),
  deadline: uintSchema(256),
  signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/, 'must be a signature of 65 bytes'),
  version: z.string().regex(/^\d+(\.\d+)*$/),
})

/** A signed approval of Permit2. Amount in base units, times in Unix seconds. */
export type SignedApproval = z.output<typeof approvalSchema>

/** Where Permit2 remembers a nonce. */
export const nonceBit = (nonce: bigint): { readonly word: bigint; readonly mask: bigint } => ({
  word: nonce >> 8n,
  mask: 1n << (nonce & 255n),
})
