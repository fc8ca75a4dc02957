/** Why a transport is gone. */
export interface TransportClose {
  /** WebSocket close code, where there is one. */
  readonly code?: number | undefined
  readonly reason?: string | undefined
}

/**
 * What a session needs of a connection: whole messages, in order, both ways. Messages and the close that come before a
 * listener is set are kept for it.
 */
export interface Transport {
  /** Sends one message. A promise is settled when more may be sent. */
  send(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>
  /** Sets the one listener for messages. */
  onMessage(listener: (bytes: Uint8Array) => void): void
  /** Sets the one listener for the end; called once. */
  onClose(listener: (close: TransportClose) => void): void
  /** Ends the connection; a second call does nothing. */
  close(code?: number, reason?: string): void
}

/** The receiving half of a transport: keeps what comes before anyone listens. */
export interface Inbox extends Pick<Transport, 'onMessage' | 'onClose'> {
  push(bytes: Uint8Array): void
  end(close: TransportClose): void
}

/**
 * Makes the receiving half of a transport.
 *
 * @returns `onMessage` and `onClose` for the transport, `push` and `end` for whoever feeds it.
 * @example
 * const inbox = createInbox()
 * const transport: Transport = { ...inbox, send: (bytes) => pipe.write(bytes), close: () => pipe.end() }
 */
export function createInbox(): Inbox {
  let kept: Uint8Array[] = []
  let ended: TransportClose | undefined
  let message: ((bytes: Uint8Array) => void) | undefined
  let closed: ((close: TransportClose) => void) | undefined
  return {
    push(bytes) {
      if (ended !== undefined) return
      if (message === undefined) kept.push(bytes)
      else message(bytes)
    },
    end(close) {
      if (ended !== undefined) return
      ended = close
      closed?.(close)
    },
    onMessage(listener) {
      message = listener
      const before = kept
      kept = []
      for (const bytes of before) listener(bytes)
    },
    onClose(listener) {
      closed = listener
      if (ended !== undefined) listener(ended)
    },
  }
}

/**
 * Makes two transports that are connected to each other in memory.
 *
 * @returns Both ends.
 * @example
 * const [buyer, device] = linkedTransports()
 */
export function linkedTransports(): [Transport, Transport] {
  const inboxes = [createInbox(), createInbox()] as const
  const end = (own: Inbox, other: Inbox): Transport => ({
    onMessage: own.onMessage,
    onClose: own.onClose,
    // Delivered in a later turn, as a network would.
    send: (bytes) => Promise.resolve().then(() => other.push(bytes)),
    close: (code, reason) => {
      queueMicrotask(() => {
        own.end({ code, reason })
        other.end({ code, reason })
      })
    },
  })
  return [end(inboxes[0], inboxes[1]), end(inboxes[1], inboxes[0])]
}
