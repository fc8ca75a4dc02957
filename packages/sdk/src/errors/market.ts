import type { Address, Hash } from 'viem'
import { MillraceError } from './MillraceError.ts'

/** The offer is for another chain or another market than ours. */
export class OfferForeignError extends MillraceError {
  override readonly name = 'OfferForeignError'
  static readonly code = 'OFFER_FOREIGN'
  constructor(options: { chainId: number; market: Address; wantedChainId: number; wantedMarket: Address }) {
    super({
      code: OfferForeignError.code,
      message: `The offer is for market '${options.market}' on chain ${options.chainId}; here it is '${options.wantedMarket}' on chain ${options.wantedChainId}.`,
      remedy: 'Sign the offer for this chain and this market.',
      details: options,
    })
  }
}

/** The published spec is not the one that the offer was signed for. */
export class SpecMismatchError extends MillraceError {
  override readonly name = 'SpecMismatchError'
  static readonly code = 'SPEC_MISMATCH'
  constructor(options: { hash: Hash; signed: Hash }) {
    super({
      code: SpecMismatchError.code,
      message: `The spec hashes to '${options.hash}', the offer was signed for '${options.signed}'.`,
      remedy: 'Publish the spec exactly as it was when the offer was signed.',
      details: options,
    })
  }
}

/** The signature is not the operator's. */
export class SignatureInvalidError extends MillraceError {
  override readonly name = 'SignatureInvalidError'
  static readonly code = 'SIGNATURE_INVALID'
  constructor(options: { what: string; wanted: Address; recovered: Address | null }) {
    const seen =
      options.recovered === null ? 'it recovers no account' : `it was made by '${options.recovered}'`
    super({
      code: SignatureInvalidError.code,
      message: `The signature of the ${options.what} is not by '${options.wanted}': ${seen}, or the content was altered.`,
      remedy: 'Sign the exact content with the right key.',
      details: options,
    })
  }
}

/** The offer can no longer be opened. */
export class OfferExpiredError extends MillraceError {
  override readonly name = 'OfferExpiredError'
  static readonly code = 'OFFER_EXPIRED'
  constructor(options: { expiry: number; now: number }) {
    super({
      code: OfferExpiredError.code,
      message: `The offer expired at ${options.expiry}; it is ${options.now}.`,
      remedy: 'Take a fresh offer, or publish one with a later expiry.',
      details: options,
    })
  }
}

/** The offer stands longer than gateways take. */
export class OfferTooLongLivedError extends MillraceError {
  override readonly name = 'OfferTooLongLivedError'
  static readonly code = 'OFFER_TOO_LONG_LIVED'
  constructor(options: { expiry: number; latest: number }) {
    super({
      code: OfferTooLongLivedError.code,
      message: `The offer expires at ${options.expiry}; at most ${options.latest} is taken.`,
      remedy: 'Publish short-lived offers and renew them.',
      details: options,
    })
  }
}

/** The terms of the offer contradict each other. */
export class OfferTermsError extends MillraceError {
  override readonly name = 'OfferTermsError'
  static readonly code = 'OFFER_TERMS'
  constructor(options: { reason: string }) {
    super({
      code: OfferTermsError.code,
      message: `The offer's terms cannot be met: ${options.reason}.`,
      remedy: 'Correct the terms and sign again.',
      details: options,
    })
  }
}

/** The signer does not run the asset. */
export class NotAssetOperatorError extends MillraceError {
  override readonly name = 'NotAssetOperatorError'
  static readonly code = 'NOT_ASSET_OPERATOR'
  constructor(options: { asset: bigint; operator: Address; actual: Address }) {
    super({
      code: NotAssetOperatorError.code,
      message: `Asset ${options.asset} is run by '${options.actual}', the offer is by '${options.operator}'.`,
      remedy: "Sign with the operator's key, or name a new operator on chain.",
      details: options,
    })
  }
}

/** The offer names another currency than its asset is paid in. */
export class CurrencyMismatchError extends MillraceError {
  override readonly name = 'CurrencyMismatchError'
  static readonly code = 'CURRENCY_MISMATCH'
  constructor(options: { asset: bigint; currency: Address; actual: Address }) {
    super({
      code: CurrencyMismatchError.code,
      message: `Asset ${options.asset} is paid in '${options.actual}', the offer says '${options.currency}'.`,
      remedy: "Publish the offer with the asset's currency.",
      details: options,
    })
  }
}

/** The operator cancelled the offer's nonce on chain. */
export class OfferCancelledError extends MillraceError {
  override readonly name = 'OfferCancelledError'
  static readonly code = 'OFFER_CANCELLED'
  constructor(options: { operator: Address; nonce: bigint }) {
    super({
      code: OfferCancelledError.code,
      message: `'${options.operator}' cancelled its offers with nonce ${options.nonce}.`,
      remedy: 'Take another offer.',
      details: options,
    })
  }
}

/** A lease was opened on the offer already; an offer opens at most one. */
export class OfferTakenError extends MillraceError {
  override readonly name = 'OfferTakenError'
  static readonly code = 'OFFER_TAKEN'
  constructor(options: { lease: Hash }) {
    super({
      code: OfferTakenError.code,
      message: `A lease was opened on offer '${options.lease}' already.`,
      remedy: 'Take another offer.',
      details: options,
    })
  }
}
