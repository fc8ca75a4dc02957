import { decodePaymentRequired, decodeSettleResponse, headerNames } from '../wire/headers.ts'
import { type PaymentRequired, paymentRequiredSchema, type SettleResponse } from '../wire/x402.ts'
import { decodeV1SettleResponse, readV1Required, v1HeaderNames } from '../wire/x402v1.ts'
import { PaymentNotSettledError, PaymentRequiredInvalidError } from './errors.ts'
import { readText } from './readText.ts'

/** What a server asks for, and in which version of x402 it reads a payment. */
export interface Demand {
  readonly version: 1 | 2
  readonly required: PaymentRequired
}

/** Most bytes of a 402 answer's body that are read. */
const maxBodyBytes = 1 << 18

/**
 * Reads what a server asks for: header `PAYMENT-REQUIRED`, or else the body, in v2 or v1.
 *
 * @throws PaymentRequiredInvalidError if it asks for nothing that can be read, or to be paid for another place;
 * PaymentNotSettledError if it says instead that a payment was not settled.
 */
export async function readDemand(url: string, response: Response): Promise<Demand> {
  const wrong = (reason: string, cause?: unknown) => new PaymentRequiredInvalidError({ url, reason, cause })
  const header = response.headers.get(headerNames.required)
  const settled = readSettled(response)
  if (header === null && settled !== null && !settled.success) {
    await response.body?.cancel()
    throw new PaymentNotSettledError({ url, reason: settled.errorReason ?? 'no reason given' })
  }
  let demands: readonly Demand[]
  try {
    if (header !== null) {
      demands = [{ version: 2, required: decodePaymentRequired(header) }]
      await response.body?.cancel()
    } else demands = readBody(JSON.parse(await readText(response, maxBodyBytes)))
  } catch (cause) {
    throw wrong(cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause)
  }
  for (const { required } of demands) {
    const named = URL.canParse(required.resource.url, url) ? new URL(required.resource.url, url) : null
    // A server behind a proxy may take itself for one without TLS; a payment goes where the request went all the same.
    if (named === null || named.host !== new URL(url).host)
      throw wrong(`it asks to be paid for '${required.resource.url}', which is elsewhere`)
  }
  const [first] = demands
  if (first === undefined) throw wrong('it names no way to pay')
  return first
}

/** What a server says of a payment, null where it says nothing that can be read. */
export function readSettled(response: Response): SettleResponse | null {
  const v2 = response.headers.get(headerNames.response)
  const v1 = response.headers.get(v1HeaderNames.response)
  try {
    if (v2 !== null) return decodeSettleResponse(v2)
    return v1 === null ? null : decodeV1SettleResponse(v1)
  } catch {
    return null
  }
}

function readBody(body: unknown): readonly Demand[] {
  const version = (body as { readonly x402Version?: unknown } | null)?.x402Version
  if (version !== 1) return [{ version: 2, required: paymentRequiredSchema.parse(body) }]
  return readV1Required(body).map((required) => ({ version: 1, required }))
}
