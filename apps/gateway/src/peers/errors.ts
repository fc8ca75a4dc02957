import { GatewayFault } from '../errors/GatewayFault.ts'

/** A peer gateway does not answer. */
export class PeerUnreachable extends GatewayFault {
  static readonly code = 'PEER_UNREACHABLE'
  constructor(url: string, why: string, cause?: unknown) {
    super(PeerUnreachable.code, `The peer "${url}" cannot be read: ${why}. It is asked again later.`, {
      status: 502,
      retryable: true,
      details: { url },
      cause,
    })
  }
}

/** A peer gateway answers with something else than changes. */
export class PeerMalformed extends GatewayFault {
  static readonly code = 'PEER_MALFORMED'
  constructor(url: string, why: string, cause?: unknown) {
    super(PeerMalformed.code, `The peer "${url}" makes no sense: ${why}. It is asked again later.`, {
      status: 502,
      details: { url },
      cause,
    })
  }
}
