import {
  addressSchema,
  hashSchema,
  recoverSigner,
  type Signer,
  signatureSchema,
  uint40Schema,
  uintSchema,
} from '@millrace/sdk'
import { type Address, type Hash, type Hex, hashTypedData, isAddressEqual } from 'viem'
import * as z from 'zod'
import { decodeHeader, encodeHeader } from '../wire/base64.ts'
import { networkSchema } from '../wire/x402.ts'
import { CallReceiptInvalidError } from './errors.ts'

/** The header that carries it. */
export const callReceiptHeader = 'Millrace-Receipt'

/** What a seller confirms about a call that was paid. Amount in base units, time in Unix seconds. */
export interface CallReceipt {
  /** `digestRequest` of what was asked. */
  readonly request: Hash
  readonly payer: Address
  readonly payee: Address
  readonly scheme: string
  /** CAIP-2. */
  readonly network: string
  readonly asset: Address
  readonly amount: bigint
  /** The transaction, or what else names the payment within its scheme. */
  readonly reference: string
  /** Hash of what was agreed with the payer, as its voucher names it; zero at the list price. */
  readonly terms: Hash
  readonly at: number
}

const schema = z.object({
  receipt: z.object({
    request: hashSchema,
    payer: addressSchema,
    payee: addressSchema,
    scheme: z.string().max(64),
    network: networkSchema,
    asset: addressSchema,
    amount: uintSchema(256),
    reference: z.string().max(256),
    terms: hashSchema,
    at: uint40Schema,
  }),
  signature: signatureSchema,
})

/** A receipt with the seller's signature. */
export interface SignedCallReceipt {
  readonly receipt: CallReceipt
  readonly signature: Hex
}

// Without a chain id: the network is a field, and the receipt of a scheme off EVM has none.
const domain = { name: 'Millrace Call Receipt', version: '1' } as const
const types = {
  CallReceipt: [
    { name: 'request', type: 'bytes32' },
    { name: 'payer', type: 'address' },
    { name: 'payee', type: 'address' },
    { name: 'scheme', type: 'string' },
    { name: 'network', type: 'string' },
    { name: 'asset', type: 'address' },
    { name: 'amount', type: 'uint256' },
    { name: 'reference', type: 'string' },
    { name: 'terms', type: 'bytes32' },
    { name: 'at', type: 'uint40' },
  ],
} as const

/** The EIP-712 digest that the seller signs. */
export const hashCallReceipt = (receipt: CallReceipt): Hash =>
  hashTypedData({ domain, types, primaryType: 'CallReceipt', message: receipt })

/**
 * Signs the receipt of a paid call.
 *
 * @param signer The seller's account.
 * @param receipt What was asked, by whom, and what was charged how.
 * @returns The receipt with its signature.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * headers.set('Millrace-Receipt', encodeCallReceipt(await signCallReceipt(account, receipt)))
 */
export async function signCallReceipt(signer: Signer, receipt: CallReceipt): Promise<SignedCallReceipt> {
  const signature = await signer.signTypedData({
    domain,
    types,
    primaryType: 'CallReceipt',
    message: receipt,
  })
  return { receipt, signature }
}

/**
 * Checks the receipt of a paid call.
 *
 * @param signed The receipt as it came.
 * @param expected Who must have signed it, and what else is known: the request's digest, the most that may have been
 * charged, the hash of what was agreed.
 * @throws CallReceiptInvalidError naming what differs.
 * @example
 * await verifyCallReceipt(decodeCallReceipt(header), { seller, request: digestRequest({ method, url, body }) })
 */
export async function verifyCallReceipt(
  signed: SignedCallReceipt,
  expected: {
    readonly seller: Address
    readonly request?: Hash
    readonly most?: bigint
    readonly terms?: Hash
  },
): Promise<void> {
  const { receipt, signature } = signed
  const { seller, request, most, terms } = expected
  const signer = await recoverSigner(hashCallReceipt(receipt), signature)
  if (signer === null || !isAddressEqual(signer, seller))
    throw new CallReceiptInvalidError({ field: 'signer', wanted: seller, seen: signer ?? 'nobody' })
  if (request !== undefined && receipt.request !== request)
    throw new CallReceiptInvalidError({ field: 'request', wanted: request, seen: receipt.request })
  if (terms !== undefined && receipt.terms !== terms)
    throw new CallReceiptInvalidError({ field: 'terms', wanted: terms, seen: receipt.terms })
  if (most !== undefined && receipt.amount > most)
    throw new CallReceiptInvalidError({
      field: 'amount',
      wanted: `at most ${most}`,
      seen: receipt.amount.toString(),
    })
}

/** Writes header `Millrace-Receipt`. */
export const encodeCallReceipt = ({ receipt, signature }: SignedCallReceipt): string =>
  encodeHeader(callReceiptHeader, { receipt: { ...receipt, amount: receipt.amount.toString() }, signature })

/**
 * Reads header `Millrace-Receipt`.
 *
 * @param header Its content.
 * @returns The receipt; `verifyCallReceipt` checks it.
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const signed = decodeCallReceipt(response.headers.get('Millrace-Receipt') ?? '')
 */
export const decodeCallReceipt = (header: string): SignedCallReceipt =>
  decodeHeader(callReceiptHeader, header, { schema })
