import { type Hash, zeroAddress } from 'viem'
import type { Curve } from '../curve/openCurve.ts'
import { tokenDomain } from '../exact/tokenDomain.ts'
import { settlementMargin, undeployedMark } from '../exact/verifyExact.ts'
import type { Refusal } from '../facilitator/settleable.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import { type BatchHasher, createBatchHasher } from './createBatchHasher.ts'
import { type BatchConfig, type BatchPayload, batchPayloadSchema } from './payload.ts'
import { type BatchReason, batchReasons } from './reasons.ts'
import { longestWithdrawDelay, shortestWithdrawDelay } from './types.ts'

/** A payment by `batch-settlement` that is right as far as can be told without a chain. */
export interface BatchPayment {
  readonly type: 'right'
  readonly payload: BatchPayload
  /** Of the voucher: `authorizer` if the channel's key signed it, `unknown` where only a contract can stand by it. */
  readonly signer: 'authorizer' | 'unknown'
  readonly voucherDigest: Uint8Array
  /** Of a deposit: as `signer`, for the authorization; null where there is none. */
  readonly depositor: 'payer' | 'unknown' | null
  readonly depositDigest: Uint8Array | null
}

export type BatchVerifier = (
  payment: PaymentPayload,
  options: {
    /** What was asked for. */
    readonly requirements: PaymentRequirements
    /** Unix seconds. */
    readonly now: number
  },
) => BatchPayment | Refusal

/**
 * Makes a function that checks payments by `batch-settlement` without a chain: scheme, network, the channel against what was asked
 * for, times, signatures.
 *
 * @param curve From `openCurve`.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/batch-settlement/scheme_batch_settlement_evm.md
 */
export function createBatchVerifier(curve: Curve): BatchVerifier {
  const hasher = createBatchHasher(curve)
  return (payment, { requirements, now }) => {
    const { accepted } = payment
    let payer: string | null = null
    const refuse = (reason: BatchReason, message: string): Refusal => ({
      ...{ type: 'refused', reason, message, payer },
    })
    const read = batchPayloadSchema.safeParse(payment.payload)
    if (read.success) payer = read.data.channelConfig.payer
    if (accepted.scheme !== 'batch-settlement' || requirements.scheme !== 'batch-settlement')
      return refuse(
        batchReasons.scheme,
        `The scheme is '${accepted.scheme}', asked for was '${requirements.scheme}'; here it is 'batch-settlement'.`,
      )
    const chainId = chainIdOf(requirements.network)
    if (accepted.network !== requirements.network || chainId === null)
      return refuse(
        batchReasons.network,
        `The payment is for '${accepted.network}', asked for was '${requirements.network}'.`,
      )
    if (!read.success)
      return refuse(batchReasons.payload, 'The payload is no deposit, voucher or refund of a channel.')
    const payload = read.data
    const { channelConfig: config, voucher } = payload
    const foreign = checkConfig(config, { hasher, chainId, channelId: voucher.channelId, requirements })
    if (foreign !== null) return refuse(...foreign)

    let depositor: BatchPayment['depositor'] = null
    let depositDigest: Uint8Array | null = null
    if (payload.type === 'deposit') {
      const authorization = payload.deposit.authorization.erc3009Authorization
      if (authorization === undefined)
        return refuse(batchReasons.authorization, 'The deposit is not authorised by EIP-3009.')
      const domain = tokenDomain(requirements)
      if (domain === null)
        return refuse(batchReasons.domain, "The requirements' extra has no name and version of the token.")
      const { validAfter, validBefore, signature } = authorization
      if (validBefore < BigInt(now) + settlementMargin)
        return refuse(
          batchReasons.validBefore,
          `The authorization ends at ${validBefore}; it is ${now}, and ${settlementMargin} s are needed to settle.`,
        )
      if (validAfter > BigInt(now))
        return refuse(batchReasons.validAfter, `The authorization begins at ${validAfter}; it is ${now}.`)
      if (signature.endsWith(undeployedMark))
        return refuse(batchReasons.factory, `The account '${payer}' is not deployed.`)
      depositDigest = hasher.deposit(domain, payload)
      depositor = curve.recover(depositDigest, signature) === config.payer ? 'payer' : 'unknown'
    }
    const voucherDigest = hasher.voucher(chainId, voucher)
    const isKey = config.payerAuthorizer !== zeroAddress
    const signedBy = curve.recover(voucherDigest, voucher.signature)
    const isSigned = signedBy === (isKey ? config.payerAuthorizer : config.payer)
    // The contract asks a key's own signature where a key is named, whatever else stands at its address.
    if (isKey && !isSigned)
      return refuse(
        batchReasons.voucherSignature,
        `The voucher is not signed by '${config.payerAuthorizer}'.`,
      )
    const signer = isSigned ? 'authorizer' : 'unknown'
    return { type: 'right', payload, signer, voucherDigest, depositor, depositDigest }
  }
}

/** What of a channel is not as it was asked for: the reason, and a sentence. */
function checkConfig(
  config: BatchConfig,
  against: {
    readonly hasher: BatchHasher
    readonly chainId: number
    readonly channelId: Hash
    readonly requirements: PaymentRequirements
  },
): [BatchReason, string] | null {
  const { hasher, chainId, channelId, requirements } = against
  const { payTo, asset, extra } = requirements
  const id = hasher.channel(chainId, config)
  if (id !== channelId) return [batchReasons.channelId, `The channel's id is '${id}', not '${channelId}'.`]
  if (config.receiver !== payTo.toLowerCase())
    return [batchReasons.receiver, `The channel pays '${config.receiver}', not '${payTo}'.`]
  const authorizer = String(extra?.receiverAuthorizer ?? zeroAddress).toLowerCase()
  if (authorizer === zeroAddress || config.receiverAuthorizer !== authorizer)
    return [
      batchReasons.receiverAuthorizer,
      `Claims are agreed to by '${config.receiverAuthorizer}', not by '${authorizer}'.`,
    ]
  if (config.token !== asset.toLowerCase())
    return [batchReasons.token, `The channel is in '${config.token}', not in '${asset}'.`]
  const { withdrawDelay: delay } = config
  const asked = extra?.withdrawDelay
  if (asked !== undefined && delay !== Number(asked))
    return [batchReasons.withdrawDelay, `The channel can be left in ${delay} s; asked for were ${asked}.`]
  if (delay < shortestWithdrawDelay || delay > longestWithdrawDelay)
    return [
      batchReasons.withdrawDelayRange,
      `The channel can be left in ${delay} s; it must be ${shortestWithdrawDelay} to ${longestWithdrawDelay}.`,
    ]
  return null
}
