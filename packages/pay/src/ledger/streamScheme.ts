import { type Currency, type Deployment, InvalidInputError, type Signer, signClose } from '@millrace/sdk'
import { type Hash, zeroHash } from 'viem'
import type { Metered } from '../seller/metered.ts'
import type { Reservation, SellerScheme } from '../seller/scheme.ts'
import type { PaymentPayload, SettleResponse } from '../wire/x402.ts'
import { snapshotToJson } from './channelBook.ts'
import { type CloseConsent, type CloseRequest, closeConsentToJson, readCloseRequest } from './closing.ts'
import { CloseUnsupportedError, VoucherTooLowError } from './errors.ts'
import type { Ledger } from './ledger.ts'
import { type ChannelPayment, type ChannelTick, readChannelPayment } from './payment.ts'
import type { ChannelSnapshot } from './snapshot.ts'

const atLeast = (amount: bigint, least: bigint) => (amount > least ? amount : least)

/** How a seller agrees to the end of a channel. */
export interface StreamCloser {
  /** The payee's account, or that of the asset's operator. It signs ends of channels, and nothing else. */
  readonly signer: Signer
  /** Sends what was agreed, for payers without gas, and waits until the chain shows it; `closeChannelFor`. Null where it is not worth it. */
  readonly send?: (consent: CloseConsent, request: CloseRequest) => Promise<Hash | null>
}

/** How a seller is paid on channels. */
export interface StreamSchemeOptions {
  readonly ledger: Ledger
  readonly deployment: Deployment
  readonly currency: Currency
  /** Hash of what was agreed with the buyer, where the price names none; zero for the list price. */
  readonly terms?: Hash
  /** What a buyer should put into a new channel at least, in base units. Default 200 times the price. */
  readonly deposit?: bigint
  /** Shortest close delay, in seconds. Default 900. */
  readonly closeDelay?: number
  /** Agrees to ends of channels, with a ledger that has `readChannelAt`; without it payers announce the end and wait. */
  readonly closer?: StreamCloser
  /** Whether the seller sends authorizations that fund channels. Default: as the ledger was opened. */
  readonly funds?: boolean
}

/**
 * Takes payment by voucher and tick on a channel, as scheme `stream` of x402 version 2: nothing goes to the chain for a
 * payment, any number of requests can be in flight, and a response that streams can be paid as it goes.
 *
 * `payload` is a `ChannelPayment` in JSON; `extra` says what a channel must be. docs/specs/channel-payments.md is the manual.
 *
 * @param options Ledger, deployment, currency and terms.
 * @returns The scheme.
 * @example
 * const scheme = streamScheme({ ledger, deployment, currency })
 */
export function streamScheme(options: StreamSchemeOptions): SellerScheme {
  const { ledger, deployment, currency, terms = zeroHash, closeDelay = 900 } = options
  const { closer } = options
  const { payee } = ledger
  const ends = closer !== undefined && ledger.ends
  const network = `eip155:${deployment.chainId}`

  const answer = (amount: bigint, payer: string, snapshot: ChannelSnapshot): SettleResponse => ({
    success: true,
    // Settled by the voucher that stands behind it; the claim comes later, for many at once.
    transaction: '',
    network,
    payer,
    amount: amount.toString(),
    extra: { channel: snapshotToJson(snapshot) },
  })

  function readPaid({ payload }: PaymentPayload, terms: Hash): ChannelPayment | ChannelTick {
    const paid = readChannelPayment(payload, 'payment.payload')
    const agreed = 'voucher' in paid ? paid.voucher.terms : ledger.book(paid.channel)?.best?.voucher.terms
    if (terms !== zeroHash && agreed !== terms)
      throw new InvalidInputError({
        what: 'payment.payload.voucher.terms',
        issues: [{ path: '', message: `must be '${terms}', which was agreed` }],
      })
    return paid
  }

  return {
    scheme: 'stream',
    carriesTerms: true,
    async requirements(price) {
      const { amount, metered } = price
      const extra: Record<string, unknown> = {
        name: currency.name,
        version: currency.version,
        channels: deployment.channels,
        till: deployment.till,
        closeDelay,
        deposit: atLeast(options.deposit ?? amount * 200n, ledger.leastFunding).toString(),
        terms: price.terms ?? terms,
        funds: options.funds ?? ledger.funds,
        ticks: true,
        closes: ends,
      }
      if ('asset' in payee) extra.assetId = payee.asset.toString()
      if (price.haggles !== undefined) extra.haggles = price.haggles
      if (metered !== undefined) extra.metered = meteredToJson(metered)
      return [
        {
          scheme: 'stream',
          network,
          amount: amount.toString(),
          asset: currency.address,
          payTo: 'account' in payee ? payee.account : deployment.till,
          maxTimeoutSeconds: 300,
          extra,
        },
      ]
    },
    explain(error, requirements) {
      if (!(error instanceof VoucherTooLowError)) return requirements
      return { ...requirements, extra: { ...requirements.extra, channel: snapshotToJson(error.snapshot) } }
    },
    async accept(payment) {
      await ledger.accept(readPaid(payment, terms))
    },
    async end(wish) {
      if (closer === undefined) throw new CloseUnsupportedError()
      const request = readCloseRequest(wish)
      const agreed = await ledger.end(request)
      const signature = await signClose(closer.signer, agreed, deployment)
      const consent: CloseConsent = { ...agreed, signature, transaction: null }
      if (!request.send || closer.send === undefined) return closeConsentToJson(consent)
      // The payer has the signature whatever becomes of our transaction.
      const transaction = await closer.send(consent, request).catch(() => null)
      return closeConsentToJson({ ...consent, transaction })
    },
    async reserve(payment, { requirements, ahead = false }): Promise<Reservation> {
      const { terms: asked } = requirements.extra ?? {}
      // As it stands in our own demand.
      const agreed = typeof asked === 'string' ? (asked as Hash) : terms
      const paid = readPaid(payment, agreed)
      const amount = BigInt(requirements.amount)
      const { hold, kept } = ahead
        ? await ledger.holdAhead(paid, amount)
        : { hold: await ledger.hold(paid, amount), kept: onDisk }
      const extendNow = (amount: bigint) => {
        const isHeld = hold.extend(amount)
        reservation.ceiling = hold.held
        return isHeld
      }
      const reservation = {
        payer: hold.payer,
        ceiling: hold.held,
        kept,
        async extend(amount: bigint, ms: number) {
          if (extendNow(amount)) return true
          const book = ledger.book(hold.channel)
          if (book === undefined) return false
          await ledger.waitForWorth(hold.channel, book.spent + amount, ms)
          return extendNow(amount)
        },
        capture: async (amount: bigint) => answer(amount, hold.payer, hold.capture(amount)),
        async release() {
          hold.release()
        },
      }
      return reservation
    },
  }
}

const onDisk = Promise.resolve()

const meteredToJson = ({ per, price, units = 1 }: Metered) => ({ per, price: price.toString(), units })
