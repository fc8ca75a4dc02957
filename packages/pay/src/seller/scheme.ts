import type { MillraceError } from '@millrace/sdk/errors'
import type { Address, Hash } from 'viem'
import type { PaymentPayload, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import type { Metered } from './metered.ts'

/** What a call costs: exactly, or at most. */
export interface Price {
  /** Base units; with `upTo` the most that can be charged. */
  readonly amount: bigint
  /** Charged by what was used once it is known, instead of `amount`. */
  readonly upTo?: boolean
  /**
   * Paid while the answer streams: `amount` is held before it begins and is what more is asked for each time. By a scheme that
   * cannot be extended `amount` is the most, and the answer ends where it is used up.
   */
  readonly metered?: Metered
  /** Hash of what was agreed on with the buyer; its payment has to carry it. */
  readonly terms?: Hash
  /** The account that signs for the seller, where buyers may haggle for less. */
  readonly haggles?: Address
}

/** The request that is paid for, as far as payment is concerned. */
export interface PaidRequest {
  readonly method: string
  /** Absolute. */
  readonly url: string
  /** keccak256 of method, URL and body; a receipt binds it to the payment. */
  readonly digest: Hash
  /** Header `Idempotency-Key`: a repetition with the same digest is answered again and not charged again. */
  readonly idempotencyKey: string | null
}

/**
 * A way to be paid. Everything that can be wrong with a payment is found in `reserve`; what it returns is worth its
 * ceiling whatever happens next, a crash of this process included.
 */
export interface SellerScheme {
  /** As in `accepts[].scheme`: `exact`, `upto`, `batch-settlement`, `stream`. */
  readonly scheme: string
  /** Whether its payments name what was agreed on; without it nothing is sold by it at an agreed price. */
  readonly carriesTerms?: true
  /** What to ask for. Several entries where there are several currencies or chains; none where it cannot serve this price. */
  requirements(price: Price, request: PaidRequest): Promise<readonly PaymentRequirements[]>
  /** What the demand says besides, by the name of each extension, where this scheme is among the ways to pay. */
  readonly extensions?: Readonly<Record<string, unknown>>
  /**
   * Names a payment that buys one call only, so that the same payment sent again is taken for the same call. Null, or left
   * out, where one payment may buy several.
   */
  paymentKey?(payment: PaymentPayload): string | null
  /**
   * What to ask for after a refusal: the same, with what the payer has to know to do better. Default: the same.
   */
  explain?(error: MillraceError, requirements: PaymentRequirements): PaymentRequirements
  /**
   * Takes a further payment for an answer that streams; what it promises can be held then by `extend`. Only schemes whose
   * reservations can be extended have it.
   *
   * @throws as `reserve`
   */
  accept?(payment: PaymentPayload): Promise<void>
  /**
   * Settles a payment that buys nothing, such as the wish for a refund; null where it is one that buys a call.
   *
   * @throws as `reserve`
   */
  settleAlone?(
    payment: PaymentPayload,
    context: { readonly requirements: PaymentRequirements },
  ): Promise<SettleResponse | null>
  /**
   * Agrees to end what a payer pays by: the content of header `Millrace-Close` in, what is answered in JSON out. Only schemes with
   * something to end have it.
   */
  end?(wish: unknown): Promise<object>
  /**
   * Goes on with a payment that was held, and for which an answer was made, by a process before this one: what it returns settles it, or says
   * what became of it. Only schemes with a `paymentKey` need it.
   */
  resume?(
    payment: PaymentPayload,
    context: { readonly requirements: PaymentRequirements },
  ): Promise<Pick<Reservation, 'payer' | 'capture'>>
  /**
   * Checks a payment and holds it: nothing is served before this resolves.
   *
   * @param context `ahead`: what makes the answer may begin before the disk has what is held, and only its giving out waits for
   * the reservation's `kept`. A scheme need not make use of it.
   * @throws PaymentRefusedError with the exact code
   */
  reserve(
    payment: PaymentPayload,
    context: {
      readonly requirements: PaymentRequirements
      readonly request: PaidRequest
      readonly ahead?: boolean
    },
  ): Promise<Reservation>
}

/** Money that is held for one request. Exactly one of `capture` and `release` is called, once. */
export interface Reservation {
  readonly payer: Address
  /** Most that can be captured, in base units. */
  readonly ceiling: bigint
  /**
   * Set where it may have been asked for ahead of the disk: nothing is given out, and nothing captured, before it resolves. Where it rejects
   * nothing may be, and the reservation is to be released.
   *
   * @throws JournalWriteError
   */
  readonly kept?: Promise<void>
  /** Set where nothing but the whole ceiling can be captured. */
  readonly fixed?: true
  /**
   * Holds `amount` more, waiting up to `ms` milliseconds for the payer to promise it; `false` if it does not. Only ways of paying
   * that go on while a response streams have it.
   */
  extend?(amount: bigint, ms: number): Promise<boolean>
  /**
   * Charges `amount`, at most the ceiling. After a SettlementPendingError, and only then, it may be called again with the
   * same amount.
   *
   * @throws SettlementPendingError while the outcome is not known; PaymentRefusedError if nothing was charged
   */
  capture(amount: bigint): Promise<SettleResponse>
  /** Nothing was served; nothing is charged. */
  release(reason: string): Promise<void>
}
