import { GatewayFault } from '../errors/GatewayFault.ts'

/** No route answers here. */
export class RouteUnknown extends GatewayFault {
  static readonly code = 'ROUTE_UNKNOWN'
  constructor(method: string, path: string) {
    super(
      RouteUnknown.code,
      `Nothing answers ${method} "${path}". The routes are listed at /v1/openapi.json.`,
      {
        status: 404,
        details: { method, path },
      },
    )
  }
}

/** The body is larger than this route takes. */
export class BodyTooLarge extends GatewayFault {
  static readonly code = 'BODY_TOO_LARGE'
  constructor(limit: number) {
    super(BodyTooLarge.code, `The body is over ${limit} bytes. Send less at once.`, {
      status: 413,
      details: { limit },
    })
  }
}

/** The body is not JSON. */
export class JsonMalformed extends GatewayFault {
  static readonly code = 'JSON_MALFORMED'
  constructor(why: string) {
    super(JsonMalformed.code, `The body is not JSON: ${why}. Send JSON with content-type application/json.`, {
      status: 400,
    })
  }
}

/** The client asks more often than it may. */
export class RateLimited extends GatewayFault {
  static readonly code = 'RATE_LIMITED'
  /** Seconds until the request would be taken. */
  readonly retryAfter: number
  constructor(retryAfter: number) {
    super(RateLimited.code, `Too many requests. Try again in ${retryAfter} s.`, {
      status: 429,
      retryable: true,
      details: { retryAfter },
    })
    this.retryAfter = retryAfter
  }
}

/** The request took longer than the gateway gives it. */
export class RequestTimedOut extends GatewayFault {
  static readonly code = 'REQUEST_TIMEOUT'
  constructor(timeoutMs: number) {
    super(
      RequestTimedOut.code,
      `The request took over ${timeoutMs} ms and was given up. Try again in a moment.`,
      {
        status: 504,
        retryable: true,
        details: { timeoutMs },
      },
    )
  }
}

/** The cursor is not one that this gateway gave out for this order. */
export class CursorInvalid extends GatewayFault {
  static readonly code = 'CURSOR_INVALID'
  constructor() {
    super(CursorInvalid.code, 'The cursor does not belong to this search. Start again without one.', {
      status: 400,
    })
  }
}

/** The offers are still being read after a start. */
export class SearchLoading extends GatewayFault {
  static readonly code = 'SEARCH_LOADING'
  constructor(loaded: number) {
    super(
      SearchLoading.code,
      `The gateway has just started and has read ${loaded} offers so far. Try again in a moment.`,
      {
        status: 503,
        retryable: true,
        details: { loaded },
      },
    )
  }
}

/** The asset asked for is not in the index. */
export class AssetNotIndexed extends GatewayFault {
  static readonly code = 'ASSET_NOT_INDEXED'
  constructor(asset: string) {
    super(
      AssetNotIndexed.code,
      `Asset ${asset} is not in the index. It may be newer than the index's head: see /v1/health.`,
      {
        status: 404,
        details: { asset },
      },
    )
  }
}

/** The lease asked for is not in the index. */
export class LeaseNotIndexed extends GatewayFault {
  static readonly code = 'LEASE_NOT_INDEXED'
  constructor(lease: string) {
    super(
      LeaseNotIndexed.code,
      `Lease "${lease}" is not in the index. It may be newer than the index's head: see /v1/health.`,
      {
        status: 404,
        details: { lease },
      },
    )
  }
}

/** This gateway settles no payments. */
export class FacilitatorOff extends GatewayFault {
  static readonly code = 'FACILITATOR_OFF'
  constructor() {
    super(
      FacilitatorOff.code,
      'This gateway settles no payments. Its operator starts it with --x402-relayer; ask another facilitator.',
      { status: 404 },
    )
  }
}

/** The channel asked for is not in the index. */
export class ChannelNotIndexed extends GatewayFault {
  static readonly code = 'CHANNEL_NOT_INDEXED'
  constructor(channel: string) {
    super(
      ChannelNotIndexed.code,
      `Channel "${channel}" is not in the index. It may be newer than the index's head: see /v1/health.`,
      { status: 404, details: { channel } },
    )
  }
}

/** The period asked for is empty or too long. */
export class PeriodInvalid extends GatewayFault {
  static readonly code = 'PERIOD_INVALID'
  constructor(options: { readonly from: number; readonly to: number; readonly mostDays: number }) {
    super(
      PeriodInvalid.code,
      `The period from ${options.from} to ${options.to} is empty or over ${options.mostDays} days. Ask for a part of it.`,
      { status: 400, details: options },
    )
  }
}

/** The gateway is at fault. */
export class Internal extends GatewayFault {
  static readonly code = 'INTERNAL'
  constructor(request: string, cause: unknown) {
    super(Internal.code, `The gateway failed at this request. Tell its operator the number "${request}".`, {
      status: 500,
      details: { request },
      cause,
    })
  }
}
