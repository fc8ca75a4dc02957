import { exactPayloadSchema } from '../exact/authorization.ts'
import { uptoPayloadSchema } from '../upto/permit.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { PaymentIdentity } from './settleable.ts'

/** What names the authorization in a payload; null if it is none of the scheme that is asked for. */
export function identify(
  requirements: PaymentRequirements,
  payload: Readonly<Record<string, unknown>>,
): PaymentIdentity | null {
  const { scheme, network, payTo, amount, asset } = requirements
  const asked = [payTo, amount, asset]
  if (scheme === 'exact') {
    const read = exactPayloadSchema.safeParse(payload)
    if (!read.success) return null
    const { authorization, signature } = read.data
    const { from, to, value, validAfter, validBefore, nonce } = authorization
    return {
      key: `${network} ${asset} ${from} ${nonce}`.toLowerCase(),
      print: [from, to, value, validAfter, validBefore, nonce, signature, ...asked].join(' ').toLowerCase(),
      payer: from,
      until: validBefore,
    }
  }
  if (scheme !== 'upto') return null
  const read = uptoPayloadSchema.safeParse(payload)
  if (!read.success) return null
  const { permit2Authorization, signature } = read.data
  const { from, permitted, spender, nonce, deadline, witness } = permit2Authorization
  const signed = [from, permitted.token, permitted.amount, spender, nonce, deadline]
  const agreed = [witness.to, witness.facilitator, witness.validAfter]
  return {
    // Permit2 has one set of nonces for all tokens.
    key: `${network} permit2 ${from} ${nonce}`.toLowerCase(),
    print: [...signed, ...agreed, signature, ...asked].join(' ').toLowerCase(),
    payer: from,
    until: deadline,
  }
}
