import { SessionClosedError } from '../errors/session.ts'
import { createInbox, type Transport } from './transport.ts'

/** What browsers, Node and the `ws` package agree on. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
}

/** Unsent bytes above which `send` waits. */
const highWater = 4 * 1024 * 1024
const connecting = 0
const open = 1

/**
 * Carries a session over a WebSocket; one binary message of the socket is one message of the session.
 *
 * @param socket A WebSocket of a browser, of Node or of the `ws` package, open or about to be.
 * @returns The transport. `send` waits until the socket is open and has less than 4 MiB unsent.
 * @throws SessionClosedError (from `send`) when the socket is gone.
 * @example
 * const transport = webSocketTransport(new WebSocket(`${gateway}/v1/relay/session?device=${device}`))
 */
export function webSocketTransport(socket: WebSocketLike): Transport {
  socket.binaryType = 'arraybuffer'
  const inbox = createInbox()
  const opened = deferred()
  // Nobody may be waiting to send when the opening fails; the close is told to the listener in any case.
  opened.promise.catch(() => undefined)
  let closed: { code: number; reason: string } | undefined
  const closedError = () => new SessionClosedError({ closeCode: closed?.code, reason: closed?.reason })

  if (socket.readyState === open) opened.resolve()
  socket.addEventListener('open', () => opened.resolve())
  // An error says nothing; the close that always follows it says why. Somebody must listen, or `ws` throws.
  socket.addEventListener('error', () => undefined)
  socket.addEventListener('message', ({ data }) => {
    if (data instanceof ArrayBuffer) inbox.push(new Uint8Array(data))
    else if (data instanceof Uint8Array) inbox.push(data)
    // A session has only binary messages; text is not ours and would fail to decrypt.
    else socket.close(4400, 'binary messages only')
  })
  socket.addEventListener('close', ({ code, reason }) => {
    closed = { code, reason }
    opened.reject(closedError())
    inbox.end({ code, reason })
  })

  return {
    onMessage: inbox.onMessage,
    onClose: inbox.onClose,
    async send(bytes) {
      if (socket.readyState === connecting) await opened.promise
      // There is no event for a drained socket in browsers, so it is looked at.
      while (socket.readyState === open && socket.bufferedAmount > highWater) await pause(5)
      if (socket.readyState !== open) throw closedError()
      socket.send(bytes)
    },
    close: (code = 1000, reason = '') => socket.close(code, reason),
  }
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

function deferred() {
  let resolve: () => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
