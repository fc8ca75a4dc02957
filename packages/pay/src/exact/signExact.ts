import type { Signer } from '@millrace/sdk'
import { type Address, getAddress, type Hash } from 'viem'
import { toHex } from '../curve/words.ts'
import type { PaymentPayload, PaymentRequirements, ResourceInfo } from '../wire/x402.ts'
import { authorizationToJson, authorizationTypes } from './authorization.ts'
import { ExactUnsignableError } from './errors.ts'
import { tokenDomain } from './tokenDomain.ts'

export interface SignExactOptions {
  /** The entry of `accepts` that is paid. */
  readonly requirements: PaymentRequirements
  readonly resource?: ResourceInfo
  /** Unix seconds. */
  readonly now: number
  /** 32 bytes; random by default. Two authorizations with one nonce can be settled once together. */
  readonly nonce?: Hash
}

/**
 * Signs a payment by `exact` with EIP-3009: the payer sends no transaction and needs no gas money.
 *
 * @param signer The payer's account.
 * @param options What is paid, and the time. The authorization ends after the requirements' `maxTimeoutSeconds`.
 * @returns The payment, for header `PAYMENT-SIGNATURE`.
 * @throws ExactUnsignableError if the requirements are of another scheme or do not name the token's domain.
 * @see https://eips.ethereum.org/EIPS/eip-3009
 * @example
 * const payment = await signExact(account, { requirements: required.accepts[0], now: Math.floor(Date.now() / 1000) })
 */
export async function signExact(signer: Signer, options: SignExactOptions): Promise<PaymentPayload> {
  const { requirements, resource, now } = options
  const nonce = options.nonce ?? toHex(crypto.getRandomValues(new Uint8Array(32)))
  const domain = tokenDomain(requirements)
  if (requirements.scheme !== 'exact' || domain === null) throw new ExactUnsignableError({ requirements })
  const authorization = {
    from: signer.address,
    to: getAddress(requirements.payTo as Address),
    value: BigInt(requirements.amount),
    validAfter: 0n,
    validBefore: BigInt(now + requirements.maxTimeoutSeconds),
    nonce,
  }
  const signature = await signer.signTypedData({
    domain,
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  })
  return {
    x402Version: 2,
    ...(resource === undefined ? {} : { resource }),
    accepted: requirements,
    payload: { signature, authorization: authorizationToJson(authorization) },
  }
}
