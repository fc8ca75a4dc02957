import type { Signer } from '@millrace/sdk'
import { getAddress, isAddress } from 'viem'
import { toHex } from '../curve/words.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements, ResourceInfo } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { UptoUnsignableError } from './errors.ts'
import { permitToJson, uptoPermitTypes } from './permit.ts'

export interface SignUptoOptions {
  /** The entry of `accepts` that is paid; its amount is the ceiling. */
  readonly requirements: PaymentRequirements
  readonly resource?: ResourceInfo
  /** Unix seconds. */
  readonly now: number
  /** Any number of 256 bits; random by default. Two permits with one nonce can be settled once together. */
  readonly nonce?: bigint
}

/**
 * Signs a payment by `upto`: the facilitator that the seller names may move up to the amount, once, to the payee, through
 * Permit2. The payer sends no transaction; Permit2 must be approved, or `signApproval` be sent along.
 *
 * @param signer The payer's account.
 * @param options What is paid, and the time. The permit ends after the requirements' `maxTimeoutSeconds`.
 * @returns The payment, for header `PAYMENT-SIGNATURE`.
 * @throws UptoUnsignableError if the requirements are of another scheme or name nobody who settles.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/upto/scheme_upto_evm.md
 * @example
 * const payment = await signUpto(account, { requirements: required.accepts[0], now: Math.floor(Date.now() / 1000) })
 */
export async function signUpto(signer: Signer, options: SignUptoOptions): Promise<PaymentPayload> {
  const { requirements, resource, now } = options
  const { scheme, network, amount, asset, payTo, maxTimeoutSeconds, extra } = requirements
  const unsignable = (reason: string) => new UptoUnsignableError({ scheme, network, reason })
  const chainId = chainIdOf(network)
  const facilitator = extra?.facilitatorAddress
  if (scheme !== 'upto') throw unsignable("the scheme is not 'upto'")
  if (chainId === null) throw unsignable('the network is no EVM chain')
  if (typeof facilitator !== 'string' || !isAddress(facilitator))
    throw unsignable('its extra names no facilitatorAddress')
  if (!isAddress(asset) || !isAddress(payTo)) throw unsignable('its asset or payee is no address')
  const permit = {
    from: signer.address,
    permitted: { token: getAddress(asset), amount: BigInt(amount) },
    spender: x402Contracts.uptoPermit2Proxy,
    nonce: options.nonce ?? BigInt(toHex(crypto.getRandomValues(new Uint8Array(32)))),
    deadline: BigInt(now + maxTimeoutSeconds),
    witness: { to: getAddress(payTo), facilitator: getAddress(facilitator), validAfter: 0n },
  }
  const { permitted, spender, nonce, deadline, witness } = permit
  const signature = await signer.signTypedData({
    domain: { name: 'Permit2', chainId, verifyingContract: x402Contracts.permit2 },
    types: uptoPermitTypes,
    primaryType: 'PermitWitnessTransferFrom',
    message: { permitted, spender, nonce, deadline, witness },
  })
  return {
    x402Version: 2,
    ...(resource === undefined ? {} : { resource }),
    accepted: requirements,
    payload: { signature, permit2Authorization: permitToJson(permit) },
  }
}
