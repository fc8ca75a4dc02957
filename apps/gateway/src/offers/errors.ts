import { GatewayFault } from '../errors/GatewayFault.ts'

/** No offer of this id is known here. */
export class OfferUnknown extends GatewayFault {
  static readonly code = 'OFFER_UNKNOWN'
  constructor(id: string) {
    super(
      OfferUnknown.code,
      `No offer "${id}" is known here. It may have expired, or never been published to this gateway.`,
      {
        status: 404,
        details: { id },
      },
    )
  }
}

/** The asset of an offer is not registered. */
export class AssetUnknown extends GatewayFault {
  static readonly code = 'ASSET_UNKNOWN'
  constructor(asset: string) {
    super(AssetUnknown.code, `Asset ${asset} is not registered on this chain.`, {
      status: 404,
      details: { asset },
    })
  }
}

/** The gateway does not deal in this currency, so it cannot compare its prices. */
export class CurrencyUnknown extends GatewayFault {
  static readonly code = 'CURRENCY_UNKNOWN'
  constructor(currency: string, known: readonly string[]) {
    super(
      CurrencyUnknown.code,
      `The currency "${currency}" is not one of this gateway's: ${known.join(', ')}.`,
      {
        status: 422,
        details: { currency, known },
      },
    )
  }
}

/** The chain could not be asked. */
export class ChainUnavailable extends GatewayFault {
  static readonly code = 'CHAIN_UNAVAILABLE'
  constructor(cause: unknown) {
    super(
      ChainUnavailable.code,
      'The chain does not answer, so the offer cannot be checked. Publish it again in a moment.',
      {
        status: 503,
        retryable: true,
        cause,
      },
    )
  }
}

/** The operator withdrew this offer; it can only come back signed anew. */
export class OfferWithdrawn extends GatewayFault {
  static readonly code = 'OFFER_WITHDRAWN'
  constructor(id: string) {
    super(OfferWithdrawn.code, `The operator withdrew offer "${id}". Sign another one to offer again.`, {
      status: 409,
      details: { id },
    })
  }
}

/** A withdrawal dated too far from now. */
export class WithdrawalMistimed extends GatewayFault {
  static readonly code = 'WITHDRAWAL_MISTIMED'
  constructor(at: number, now: number) {
    super(
      WithdrawalMistimed.code,
      `The withdrawal is dated ${at}, but it is ${now}. Set the clock and sign again.`,
      {
        status: 422,
        details: { at, now },
      },
    )
  }
}
