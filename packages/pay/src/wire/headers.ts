import * as z from 'zod'
import { decodeHeader, encodeHeader } from './base64.ts'
import {
  type PaymentPayload,
  type PaymentRequired,
  paymentPayloadSchema,
  paymentRequiredSchema,
  type SettleResponse,
  settleResponseSchema,
} from './x402.ts'

// Read with every paid request.
const compiledPayload = z.compile(paymentPayloadSchema)

/** The headers of x402 v2. */
export const headerNames = {
  required: 'PAYMENT-REQUIRED',
  payment: 'PAYMENT-SIGNATURE',
  response: 'PAYMENT-RESPONSE',
} as const

/**
 * Writes header `PAYMENT-REQUIRED` of a 402 answer.
 *
 * @param required What can be paid, and how.
 * @returns The content of the header.
 * @throws HeaderTooLargeError beyond 16 KiB.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/x402-specification-v2.md
 * @example
 * headers.set('PAYMENT-REQUIRED', encodePaymentRequired(required))
 */
export const encodePaymentRequired = (required: PaymentRequired): string =>
  encodeHeader(headerNames.required, required)

/**
 * Reads header `PAYMENT-REQUIRED`.
 *
 * @param header Its content.
 * @returns What can be paid, and how.
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const required = decodePaymentRequired(response.headers.get('PAYMENT-REQUIRED') ?? '')
 */
export const decodePaymentRequired = (header: string): PaymentRequired =>
  decodeHeader(headerNames.required, header, { schema: paymentRequiredSchema })

/**
 * Writes header `PAYMENT-SIGNATURE` of a paid request.
 *
 * @param payment The payment.
 * @returns The content of the header.
 * @throws HeaderTooLargeError beyond 16 KiB.
 * @example
 * await fetch(url, { headers: { 'PAYMENT-SIGNATURE': encodePaymentPayload(payment) } })
 */
export const encodePaymentPayload = (payment: PaymentPayload): string =>
  encodeHeader(headerNames.payment, payment)

/**
 * Reads header `PAYMENT-SIGNATURE`.
 *
 * @param header Its content.
 * @returns The payment, of which only the form has been checked.
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const payment = decodePaymentPayload(request.headers.get('PAYMENT-SIGNATURE') ?? '')
 */
export const decodePaymentPayload = (header: string): PaymentPayload =>
  decodeHeader(headerNames.payment, header, { schema: compiledPayload })

/**
 * Writes header `PAYMENT-RESPONSE` of a paid answer.
 *
 * @param response What was settled.
 * @returns The content of the header.
 * @throws HeaderTooLargeError beyond 16 KiB.
 * @example
 * headers.set('PAYMENT-RESPONSE', encodeSettleResponse(settled))
 */
export const encodeSettleResponse = (response: SettleResponse): string =>
  encodeHeader(headerNames.response, response)

/**
 * Reads header `PAYMENT-RESPONSE`.
 *
 * @param header Its content.
 * @returns What was settled.
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const settled = decodeSettleResponse(response.headers.get('PAYMENT-RESPONSE') ?? '')
 */
export const decodeSettleResponse = (header: string): SettleResponse =>
  decodeHeader(headerNames.response, header, { schema: settleResponseSchema })
