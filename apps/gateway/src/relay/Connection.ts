import type { WebSocket } from 'ws'

/** One end of the relay: a WebSocket with what is known of its pace. */
export interface Connection {
  readonly socket: WebSocket
  /** Sends one binary message. If too much is waiting, `from` is not read until half of it has left. */
  send(bytes: Uint8Array, from?: Connection): void
  close(code: number, reason: string): void
  /** Called at every ping: closes what is dead or too slow. Answers whether it is still there. */
  check(): boolean
}

/** Most time a closing handshake may take, in milliseconds. */
const CLOSE_MS = 2_000

/** What a connection is held to. */
export interface ConnectionOptions {
  /** Bytes waiting above which senders are held. */
  readonly bufferBytes: number
  /** Least bytes to take between two checks while bytes are waiting. */
  readonly leastPerCheck: number
  /** Longest that a sender may be held at a stretch, in milliseconds; `undefined` for any time. */
  readonly holdMs: number | undefined
  readonly onSlow: () => void
}

/** Wraps a socket. */
export function createConnection(socket: WebSocket, options: ConnectionOptions): Connection {
  const { bufferBytes, leastPerCheck, holdMs, onSlow } = options
  const held = new Set<Connection>()
  let patience: ReturnType<typeof setTimeout> | undefined
  let answered = true
  let sent = 0
  let takenBefore = 0
  let waitedBefore = 0
  const heard = () => {
    answered = true
  }
  const release = () => {
    clearTimeout(patience)
    patience = undefined
    for (const sender of held) sender.socket.resume()
    held.clear()
  }
  socket.on('pong', heard)
  socket.on('message', heard)
  // Errors end in 'close'; without a listener they would end the process.
  socket.on('error', () => socket.terminate())
  socket.once('close', release)
  return {
    socket,
    send(bytes, from) {
      if (socket.readyState !== socket.OPEN) return
      sent += bytes.length
      socket.send(bytes, () => {
        if (held.size === 0 || socket.bufferedAmount > bufferBytes / 2) return
        release()
      })
      if (from !== undefined && socket.bufferedAmount > bufferBytes) {
        held.add(from)
        from.socket.pause()
        if (holdMs !== undefined) patience ??= setTimeout(onSlow, holdMs)
      }
    },
    close(code, reason) {
      if (socket.readyState === socket.CLOSED) return
      socket.close(code, reason)
      // Reading may be paused; the peer's answer must be heard.
      socket.resume()
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS)
      socket.once('close', () => clearTimeout(timer))
    },
    check() {
      // Closing has its own patience: cut off now, the peer would never read why.
      if (socket.readyState !== socket.OPEN) return false
      if (!answered && !socket.isPaused) {
        socket.terminate()
        return false
      }
      const waiting = socket.bufferedAmount
      const taken = sent - waiting
      if (waitedBefore > 0 && waiting > 0 && taken - takenBefore < Math.min(leastPerCheck, waitedBefore)) {
        onSlow()
        return false
      }
      takenBefore = taken
      waitedBefore = waiting
      // A socket that is not read cannot answer, but its peer must still hear that the relay is there.
      if (!socket.isPaused) answered = false
      socket.ping()
      return true
    },
  }
}
