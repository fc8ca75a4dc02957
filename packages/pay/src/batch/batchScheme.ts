import type { Signer } from '@millrace/sdk'
import type { Address } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import { exactReasons } from '../exact/reasons.ts'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import { CaptureExceedsError, PaymentRefusedError, SettlementPendingError } from '../seller/errors.ts'
import type { ExactCurrency } from '../seller/exactScheme.ts'
import type { Reservation, SellerScheme } from '../seller/scheme.ts'
import type { PaymentPayload, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { type BatchSnapshot, batchCorrection, batchExtra, batchSnapshot, claimable } from './batchBook.ts'
import { createBatchHasher } from './createBatchHasher.ts'
import { BatchVoucherTooLowError } from './errors.ts'
import type { BatchHold, BatchLedger } from './openBatchLedger.ts'
import { claimOfBook, orderOf, refundOrder, signClaims, signRefund } from './orders.ts'
import { type BatchPayload, batchPayloadSchema } from './payload.ts'
import { batchReasons } from './reasons.ts'
import { shortestWithdrawDelay } from './types.ts'
import { createBatchVerifier } from './verifyBatch.ts'

/** How a seller is paid on channels of `batch-settlement`. */
export interface BatchSchemeOptions {
  readonly ledger: BatchLedger
  /** A token with EIP-3009, and who is paid. */
  readonly currency: ExactCurrency
  /** Sends deposits and refunds: one in this process, or `httpFacilitator`. It is given no right over any channel. */
  readonly facilitator: Pick<Facilitator, 'verify' | 'settle'>
  /** Agrees to claims and refunds, and signs nothing else; payers bind their channels to it. */
  readonly authorizer: Signer & { readonly address: Address }
  /** Seconds after which a payer can leave by itself. Default 900. */
  readonly withdrawDelay?: number
  /** What a new channel should hold at least, in base units. Default 10 times the price. */
  readonly minDeposit?: bigint
  /** Unix seconds. */
  readonly now?: () => number
}

/**
 * Takes payments by x402's scheme `batch-settlement`: a payer puts a deposit into a channel once, then pays each call with a voucher of
 * all that it owes; nothing goes to the chain for a payment. `startBatchClaimer` claims what was charged.
 *
 * @param options Books, currency, who sends and who agrees.
 * @returns The scheme, for `createPaywall`.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/batch-settlement/scheme_batch_settlement_evm.md
 * @example
 * const paywall = createPaywall({ schemes: [batchScheme({ ledger, currency, facilitator, authorizer })] })
 */
export function batchScheme(options: BatchSchemeOptions): SellerScheme {
  const { ledger, currency, facilitator, authorizer, withdrawDelay = shortestWithdrawDelay } = options
  const { now = () => Math.floor(Date.now() / 1000) } = options
  const { network, asset, payTo, name, version, maxTimeoutSeconds = 120 } = currency
  const verifying = openCurve().then(createBatchVerifier)
  const hashing = openCurve().then(createBatchHasher)

  async function check(payment: PaymentPayload, requirements: PaymentRequirements): Promise<BatchPayload> {
    const verdict = (await verifying)(payment, { requirements, now: now() })
    if (verdict.type === 'refused') throw new PaymentRefusedError(verdict)
    // What a contract says of a signature it may take back.
    if (verdict.signer !== 'authorizer')
      throw new PaymentRefusedError({
        reason: batchReasons.voucherSignature,
        message: 'The voucher is not signed by the key of its channel.',
      })
    return verdict.payload
  }

  async function settle(payment: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    let settled: SettleResponse
    try {
      settled = await facilitator.settle(payment, requirements)
    } catch (cause) {
      // It may have been sent all the same: only its outcome is not known.
      throw new SettlementPendingError({ network, transaction: '', cause })
    }
    if (settled.success) return settled
    const { errorReason = batchReasons.depositTransaction, errorMessage, transaction } = settled
    if (errorReason === exactReasons.pending) throw new SettlementPendingError({ network, transaction })
    throw new PaymentRefusedError({
      reason: errorReason,
      ...(errorMessage === undefined ? {} : { message: errorMessage }),
    })
  }

  const answer = (snapshot: BatchSnapshot, of: { amount: bigint; payer: string; transaction: string }) => ({
    success: true,
    extra: { chargedAmount: of.amount.toString(), ...batchExtra(snapshot) },
    ...{ network, transaction: of.transaction, payer: of.payer, amount: of.amount.toString() },
  })

  /** Charges for a payment that is held; a deposit that came with it goes to the chain first. */
  function capturing(
    payment: PaymentPayload,
    held: {
      readonly hold: BatchHold
      readonly payload: BatchPayload
      readonly requirements: PaymentRequirements
    },
  ): Reservation['capture'] {
    const { hold, payload, requirements } = held
    const { payer } = payload.channelConfig
    return async (amount) => {
      if (amount > hold.held) throw new CaptureExceedsError({ amount, ceiling: hold.held })
      try {
        let transaction = ''
        if (payload.type === 'deposit') {
          const settled = await settle(payment, requirements)
          transaction = settled.transaction
          await hold.deposited(await nonceOf(payload))
        }
        return answer(await hold.capture(amount), { amount, payer, transaction })
      } catch (error) {
        if (error instanceof PaymentRefusedError) hold.release()
        throw error
      }
    }
  }

  async function nonceOf(payload: BatchPayload & { readonly type: 'deposit' }) {
    const salt = payload.deposit.authorization.erc3009Authorization?.salt ?? '0x'
    return (await hashing).nonce(payload.voucher.channelId, salt)
  }

  return {
    scheme: 'batch-settlement',
    async requirements(price) {
      // An answer that is paid while it streams ends before its cost can be told in a header.
      if (price.metered !== undefined) return []
      const least = options.minDeposit ?? price.amount * 10n
      const minDeposit = (least > price.amount ? least : price.amount).toString()
      const extra = { name, version, receiverAuthorizer: authorizer.address, withdrawDelay, minDeposit }
      const amount = price.amount.toString()
      return [{ scheme: 'batch-settlement', network, amount, asset, payTo, maxTimeoutSeconds, extra }]
    },
    explain(error, requirements) {
      if (!(error instanceof BatchVoucherTooLowError)) return requirements
      return { ...requirements, extra: { ...requirements.extra, ...batchCorrection(error.snapshot) } }
    },
    paymentKey({ payload }) {
      // A voucher may be sent with several calls; a deposit is made once.
      const read = batchPayloadSchema.safeParse(payload)
      if (!read.success || read.data.type !== 'deposit') return null
      const { voucher, deposit } = read.data
      const { salt, signature } = deposit.authorization.erc3009Authorization ?? {}
      return `${network} ${voucher.channelId} ${salt} ${signature} ${voucher.signature}`
    },
    async resume(payment, { requirements }) {
      const payload = await check(payment, requirements)
      const { payer } = payload.channelConfig
      if (payload.type !== 'deposit')
        throw new PaymentRefusedError({ reason: batchReasons.payload, message: 'It is no deposit.' })
      const book = ledger.book(payload.voucher.channelId)
      const before = book?.deposited
      if (book !== undefined && before != null && before.nonce === (await nonceOf(payload))) {
        // Charged by the process before this one, which did not come to say so.
        const { transaction } = await settle(payment, requirements)
        const snapshot = batchSnapshot({ ...book }, { inFlight: false })
        return {
          payer,
          capture: async () => answer(snapshot, { amount: before.charged, payer, transaction }),
        }
      }
      const hold = await ledger.hold(payload, BigInt(requirements.amount))
      return { payer, capture: capturing(payment, { hold, payload, requirements }) }
    },
    async settleAlone(payment, { requirements }) {
      if (payment.payload.type !== 'refund') return null
      const payload = await check(payment, requirements)
      if (payload.type !== 'refund') return null
      const { book, nonce, amount } = await ledger.refund(payload)
      const { id: channelId, config, state } = book
      const total = claimable(book)
      const claims = total > state.totalClaimed ? claimOfBook(book, total) : []
      const [refundAuthorizerSignature, claimAuthorizerSignature] = await Promise.all([
        signRefund(authorizer, { channelId, nonce, amount }, network),
        claims.length === 0 ? null : signClaims(authorizer, claims, network),
      ])
      const order = { nonce, amount, claims, refundAuthorizerSignature, claimAuthorizerSignature }
      const settled = await settle(orderOf(requirements, refundOrder(book, order)), requirements)
      await ledger.refresh(channelId)
      const after = ledger.book(channelId) ?? book
      return {
        ...{ success: true, network, transaction: settled.transaction, payer: config.payer },
        amount: amount.toString(),
        extra: batchExtra(batchSnapshot({ ...after }, { inFlight: false })),
      }
    },
    async reserve(payment, { requirements, ahead = false }): Promise<Reservation> {
      const payload = await check(payment, requirements)
      if (payload.type === 'deposit') {
        const verified = await facilitator.verify(payment, requirements)
        if (!verified.isValid)
          throw new PaymentRefusedError({
            reason: verified.invalidReason ?? batchReasons.payload,
            ...(verified.invalidMessage === undefined ? {} : { message: verified.invalidMessage }),
          })
      }
      const amount = BigInt(requirements.amount)
      const { hold, kept } = ahead
        ? await ledger.holdAhead(payload, amount)
        : { hold: await ledger.hold(payload, amount), kept: onDisk }
      return {
        payer: payload.channelConfig.payer,
        ceiling: hold.held,
        kept,
        capture: capturing(payment, { hold, payload, requirements }),
        async release() {
          hold.release()
        },
      }
    },
  }
}

const onDisk = Promise.resolve()
