import type { Signer } from '@millrace/sdk'
import type { Hash, Hex } from 'viem'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import type { BatchBook } from './batchBook.ts'
import { type BatchClaim, batchClaimToJson, batchVoucherToJson } from './payload.ts'
import { batchDomain, batchTypes } from './types.ts'

/** Signs consent to claims, as the authorizer of the receiver. */
export async function signClaims(
  signer: Signer,
  claims: readonly (BatchClaim & { readonly id: Hash })[],
  network: string,
): Promise<Hex> {
  const entries = claims.map(({ id: channelId, voucher, totalClaimed }) => ({
    ...{ channelId, maxClaimableAmount: voucher.maxClaimableAmount, totalClaimed },
  }))
  return signer.signTypedData({
    domain: batchDomain(chainIdOf(network) ?? 0),
    types: batchTypes,
    primaryType: 'ClaimBatch',
    message: { claims: entries },
  })
}

/** Signs consent to a refund, as the authorizer of the receiver. */
export const signRefund = (
  signer: Signer,
  refund: { readonly channelId: Hash; readonly nonce: bigint; readonly amount: bigint },
  network: string,
): Promise<Hex> =>
  signer.signTypedData({
    domain: batchDomain(chainIdOf(network) ?? 0),
    types: batchTypes,
    primaryType: 'Refund',
    message: refund,
  })

/** The claim of `total` in all on a channel. */
export const claimOfBook = (
  { id, config, best }: Readonly<BatchBook>,
  total: bigint,
): (BatchClaim & { readonly id: Hash })[] =>
  best === null
    ? []
    : [
        {
          id,
          voucher: { channel: config, maxClaimableAmount: best.maxClaimableAmount },
          ...{ signature: best.signature, totalClaimed: total },
        },
      ]

/** What a facilitator is asked to send. */
export const orderOf = (
  requirements: PaymentRequirements,
  payload: Readonly<Record<string, unknown>>,
): PaymentPayload => ({ x402Version: 2, accepted: requirements, payload })

export const claimOrder = (claims: readonly BatchClaim[], signature: Hex) => ({
  ...{ type: 'claim', claims: claims.map(batchClaimToJson), claimAuthorizerSignature: signature },
})

/** A claim of all that was charged, and the refund, in one transaction. */
export const refundOrder = (
  book: Readonly<BatchBook>,
  order: {
    readonly nonce: bigint
    readonly amount: bigint
    readonly claims: readonly BatchClaim[]
    readonly refundAuthorizerSignature: Hex
    readonly claimAuthorizerSignature: Hex | null
  },
) => {
  const { nonce, amount, claims, refundAuthorizerSignature, claimAuthorizerSignature } = order
  const { maxClaimableAmount = 0n, signature = '0x' } = book.best ?? {}
  return {
    type: 'refund',
    channelConfig: book.config,
    voucher: batchVoucherToJson({ channelId: book.id, maxClaimableAmount, signature }),
    amount: amount.toString(),
    refundNonce: nonce.toString(),
    claims: claims.map(batchClaimToJson),
    refundAuthorizerSignature,
    ...(claimAuthorizerSignature === null ? {} : { claimAuthorizerSignature }),
  }
}
