import { hashSchema, type Signer } from '@millrace/sdk'
import { type Address, getAddress, type Hash, zeroHash } from 'viem'
import { encodeSettleResponse, headerNames } from '../wire/headers.ts'
import { encodePaymentReceipt } from '../wire/mpp.ts'
import type { PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { encodeV1SettleResponse, v1HeaderNames } from '../wire/x402v1.ts'
import { callReceiptHeader, encodeCallReceipt, signCallReceipt } from './callReceipt.ts'
import type { Dialect } from './readPayment.ts'
import type { PaidRequest } from './scheme.ts'

/** What is known once a call was charged. */
export interface Charged {
  readonly dialect: Dialect
  readonly request: PaidRequest
  readonly requirements: PaymentRequirements
  readonly payer: Address
  readonly amount: bigint
  readonly settled: SettleResponse
  /** Unix seconds. */
  readonly at: number
  readonly signer: Signer | null
}

const exposed = [headerNames.response, v1HeaderNames.response, 'Payment-Receipt', callReceiptHeader]

/** Adds what the payer learns about the payment, in the payer's protocol, and the seller's own signed receipt. */
export async function addPaidHeaders(headers: Headers, charged: Charged): Promise<void> {
  const { dialect, settled, at, signer } = charged
  if (dialect === 'x402v2') headers.set(headerNames.response, encodeSettleResponse(settled))
  if (dialect === 'x402v1') headers.set(v1HeaderNames.response, encodeV1SettleResponse(settled))
  if (dialect === 'mpp') {
    const timestamp = new Date(at * 1000).toISOString()
    const receipt = { status: 'success', method: 'evm', timestamp, reference: referenceOf(settled) } as const
    headers.set('Payment-Receipt', encodePaymentReceipt(receipt))
  }
  if (signer !== null) headers.set(callReceiptHeader, await signReceiptOf({ ...charged, signer }))
  headers.set('cache-control', withPrivate(headers.get('cache-control')))
  headers.append('access-control-expose-headers', exposed.join(', '))
}

/** What names a payment: its transaction; on a channel of ours the channel's id and epoch, `0x…:0`; on one of x402's its id. */
export function referenceOf({ transaction, extra }: SettleResponse): string {
  const book = extra?.channel as { readonly channel?: unknown; readonly epoch?: unknown } | undefined
  const state = extra?.channelState as { readonly channelId?: unknown } | undefined
  if (transaction === '' && typeof state?.channelId === 'string') return state.channelId
  return transaction !== '' || typeof book?.channel !== 'string'
    ? transaction
    : `${book.channel}:${book.epoch}`
}

/** What a payment was asked to name as agreed: a channel's voucher does, and no other scheme has a place for it. */
function termsOf({ extra }: PaymentRequirements): Hash {
  const { success, data } = hashSchema.safeParse(extra?.terms)
  return success ? data : zeroHash
}

/** The seller's signed receipt of a call, as in header `Millrace-Receipt`. */
export async function signReceiptOf(
  charged: Omit<Charged, 'dialect'> & { readonly signer: Signer },
): Promise<string> {
  const { request, requirements, payer, amount, settled, at, signer } = charged
  const { scheme, network, payTo, asset } = requirements
  const receipt = {
    request: request.digest,
    payer: getAddress(payer),
    payee: getAddress(payTo as Address),
    scheme,
    network,
    asset: getAddress(asset as Address),
    amount,
    reference: referenceOf(settled),
    terms: termsOf(requirements),
    at,
  }
  return encodeCallReceipt(await signCallReceipt(signer, receipt))
}

/** What one payer bought is not for a shared cache. */
function withPrivate(directives: string | null): string {
  if (directives === null) return 'private'
  return /\b(private|no-store)\b/i.test(directives) ? directives : `${directives}, private`
}
