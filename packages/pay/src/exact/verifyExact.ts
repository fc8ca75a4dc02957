import type { Hash, Hex } from 'viem'
import { type Curve, openCurve } from '../curve/openCurve.ts'
import { createTypedHasher, type TypedDomain } from '../curve/typedData.ts'
import { toHex, writeHex, writeUint } from '../curve/words.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import { type Authorization, authorizationType, exactPayloadSchema } from './authorization.ts'
import { type ExactReason, type ExactRefusal, exactReasons } from './reasons.ts'
import { tokenDomain } from './tokenDomain.ts'

/** A payment that is right as far as can be told without a chain. */
export interface ExactPayment {
  readonly type: 'right'
  /**
   * `payer` if the payer's own key signed. `unknown` if it did not: then the payer must be a contract that stands by the
   * signature (ERC-1271), which only the chain can say.
   */
  readonly signer: 'payer' | 'unknown'
  readonly authorization: Authorization
  readonly signature: Hex
  /** The EIP-712 digest that was signed. */
  readonly digest: Hash
}

export type ExactVerdict = ExactPayment | ExactRefusal

export interface VerifyExactOptions {
  /** What was asked for. */
  readonly requirements: PaymentRequirements
  /** Unix seconds. */
  readonly now: number
}

export type ExactVerifier = (payment: PaymentPayload, options: VerifyExactOptions) => ExactVerdict

/** Seconds that an authorization must still be good for, so that there is time to settle it. */
export const settlementMargin = 6n
/** The last 32 bytes of a signature of an account that is not deployed yet (ERC-6492). */
export const undeployedMark = '6492'.repeat(16)

/**
 * For how many seconds beyond the time that was asked for an authorization may be good, at most: clocks differ, and some clients sign for a
 * whole day. What is good for years would have to be remembered for years.
 */
const longestLife = 86_400n

/**
 * Makes a function that checks payments by `exact` with EIP-3009 without a chain, some 8,000 a second.
 *
 * @param curve From `openCurve`.
 * @returns The check; see `verifyExact`.
 * @example
 * const verify = createExactVerifier(await openCurve())
 * const verdict = verify(payment, { requirements, now })
 */
export function createExactVerifier(curve: Curve): ExactVerifier {
  const hasher = createTypedHasher(curve)
  const words = new Uint8Array(224)
  words.set(hasher.typeHash(authorizationType), 0)

  function digestOf(domain: TypedDomain, authorization: Authorization): Uint8Array {
    words.fill(0, 32)
    writeHex(words, 64, authorization.from)
    writeHex(words, 96, authorization.to)
    writeUint(words, 128, authorization.value)
    writeUint(words, 160, authorization.validAfter)
    writeUint(words, 192, authorization.validBefore)
    writeHex(words, 224, authorization.nonce)
    return hasher.digest(domain, words)
  }

  return (payment, { requirements, now }) => {
    const { accepted } = payment
    let payer: string | null = null
    const refuse = (reason: ExactReason, message: string): ExactRefusal => ({
      type: 'refused',
      reason,
      message,
      payer,
    })

    const payload = exactPayloadSchema.safeParse(payment.payload)
    if (payload.success) payer = payload.data.authorization.from
    if (accepted.scheme !== 'exact' || requirements.scheme !== 'exact')
      return refuse(
        exactReasons.scheme,
        `The scheme is '${accepted.scheme}', asked for was '${requirements.scheme}'; here it is 'exact'.`,
      )
    if (accepted.network !== requirements.network || chainIdOf(requirements.network) === null)
      return refuse(
        exactReasons.network,
        `The payment is for '${accepted.network}', asked for was '${requirements.network}'.`,
      )
    const domain = tokenDomain(requirements)
    if (domain === null)
      return refuse(exactReasons.domain, "The requirements' extra has no name and version of the token.")
    if (!payload.success)
      return refuse(exactReasons.payload, 'The payload is no signed transfer authorization of EIP-3009.')
    const { authorization, signature } = payload.data
    if (signature.endsWith(undeployedMark))
      return refuse(exactReasons.factory, `The account '${payer}' is not deployed.`)
    const digest = digestOf(domain, authorization)
    const recovered = curve.recover(digest, signature)
    const { to, value, validBefore, validAfter } = authorization
    if (to.toLowerCase() !== requirements.payTo.toLowerCase())
      return refuse(exactReasons.recipient, `The transfer is to '${to}', not to '${requirements.payTo}'.`)
    if (validBefore < BigInt(now) + settlementMargin)
      return refuse(
        exactReasons.validBefore,
        `The authorization ends at ${validBefore}; it is ${now}, and ${settlementMargin} s are needed to settle.`,
      )
    const latest = BigInt(now + requirements.maxTimeoutSeconds) + longestLife
    if (validBefore > latest)
      return refuse(
        exactReasons.validBefore,
        `The authorization ends at ${validBefore}; nothing beyond ${latest} is taken.`,
      )
    if (validAfter > BigInt(now))
      return refuse(exactReasons.validAfter, `The authorization begins at ${validAfter}; it is ${now}.`)
    if (value !== BigInt(requirements.amount))
      return refuse(
        exactReasons.value,
        `The authorization is for ${value} base units; the price is ${requirements.amount}.`,
      )
    // Both are in lower case.
    const signer = recovered === authorization.from ? 'payer' : 'unknown'
    return { type: 'right', signer, authorization, signature, digest: toHex(digest) }
  }
}

let shared: Promise<ExactVerifier> | undefined

/**
 * Checks a payment by `exact` with EIP-3009 as far as it can be told without a chain: scheme, network, domain, signature,
 * recipient, times, amount. Whether the payer can pay, and has not paid with the same nonce, `checkExact` asks the chain.
 *
 * @param payment The payment as it came; only its form has been checked.
 * @param options What was asked for, and the time.
 * @returns The authorization and who signed it, or the first thing that is wrong, in the order of the standard.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/exact/scheme_exact_evm.md
 * @example
 * const verdict = await verifyExact(payment, { requirements, now: Math.floor(Date.now() / 1000) })
 * if (verdict.type === 'refused') return refuse(verdict.reason)
 */
export async function verifyExact(
  payment: PaymentPayload,
  options: VerifyExactOptions,
): Promise<ExactVerdict> {
  shared ??= openCurve().then(createExactVerifier)
  return (await shared)(payment, options)
}
