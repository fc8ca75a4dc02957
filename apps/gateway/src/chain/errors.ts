import { GatewayFault } from '../errors/GatewayFault.ts'

/** The RPC did not answer in time. */
export class RpcTimeout extends GatewayFault {
  constructor(method: string, timeoutMs: number) {
    super(
      'RPC_TIMEOUT',
      `The chain's RPC did not answer "${method}" within ${timeoutMs} ms. The last known state is served meanwhile.`,
      { status: 503, retryable: true, details: { method, timeoutMs } },
    )
  }
}

/** The RPC cannot be reached, or what came back is not JSON-RPC. */
export class RpcUnreachable extends GatewayFault {
  constructor(method: string, cause: unknown) {
    super(
      'RPC_UNREACHABLE',
      `The chain's RPC did not answer "${method}": ${cause instanceof Error ? cause.message : String(cause)}. Check --rpc.`,
      { status: 503, retryable: true, details: { method }, cause },
    )
  }
}

/** The RPC answered with an error, such as a range with too many logs. */
export class RpcRefused extends GatewayFault {
  constructor(method: string, rpcCode: number, rpcMessage: string) {
    super('RPC_REFUSED', `The chain's RPC refused "${method}": "${rpcMessage}" (${rpcCode}).`, {
      status: 503,
      retryable: true,
      details: { method, rpcCode, rpcMessage },
    })
  }
}

/** The RPC's answer contradicts itself or the question: a log outside the range, a hash that does not match, a gap. */
export class RpcInconsistent extends GatewayFault {
  constructor(what: string, details: Readonly<Record<string, unknown>>) {
    super('RPC_INCONSISTENT', `The chain's RPC contradicts itself: ${what}. It is asked again.`, {
      status: 503,
      retryable: true,
      details,
    })
  }
}

/** The RPC serves another chain than the gateway was started for. */
export class WrongChain extends GatewayFault {
  constructor(seen: number, wanted: number) {
    super(
      'WRONG_CHAIN',
      `The RPC serves chain ${seen}; this gateway is for chain ${wanted}. Correct --rpc or the deployment.`,
      { status: 503, details: { seen, wanted } },
    )
  }
}

/** A log's topics or data do not fit the event its first topic names. */
export class LogMalformed extends GatewayFault {
  constructor(
    event: string,
    log: { readonly blockNumber: string; readonly logIndex: string },
    cause?: unknown,
  ) {
    super(
      'LOG_MALFORMED',
      `The log at block ${Number(log.blockNumber)}, index ${Number(log.logIndex)} does not fit the event "${event}".`,
      { status: 503, retryable: true, details: { event }, cause },
    )
  }
}

/** An event makes no sense after those before it, so an earlier one was not served. */
export class EventOutOfPlace extends GatewayFault {
  constructor(
    event: { readonly type: string; readonly block: number; readonly position: number },
    why: string,
  ) {
    super(
      'EVENT_OUT_OF_PLACE',
      `The event "${event.type}" at block ${event.block}, index ${event.position} cannot be: ${why}. An earlier event is missing.`,
      {
        status: 503,
        retryable: true,
        details: { type: event.type, block: event.block, position: event.position },
      },
    )
  }
}

/** Another gateway on the same database moved the index meanwhile; its work is taken over. */
export class IndexMoved extends GatewayFault {
  constructor(expected: number, found: number) {
    super(
      'INDEX_MOVED',
      `The index stands at block ${found}, not ${expected}: another gateway on this database moved it.`,
      { status: 503, retryable: true, details: { expected, found } },
    )
  }
}

/** The chain changed below what the journal can undo; the index is made again from the chain. */
export class ReorgTooDeep extends GatewayFault {
  constructor(floor: number) {
    super(
      'REORG_TOO_DEEP',
      `The chain changed below block ${floor}, the lowest the index can roll back to. It is rebuilt from the chain.`,
      { status: 503, retryable: true, details: { floor } },
    )
  }
}

/** A defect: events were applied to a row that was not read from the database first. */
export class RowNotLoaded extends GatewayFault {
  constructor(relation: string, key: string) {
    super(
      'ROW_NOT_LOADED',
      `The index changed "${relation}" row "${key}" without reading it. Please report this.`,
      {
        status: 500,
        details: { relation, key },
      },
    )
  }
}
