import {
  createInbox,
  decodeFrame,
  encodeFrame,
  type Inbox,
  relayChallengeSchema,
  relayReadySchema,
  type Signer,
  signRelayHello,
  type Transport,
} from '@millrace/sdk'
import type { Hex } from 'viem'
import { WebSocket } from 'ws'
import type { Log } from '../start/log.ts'
import { backoff } from './backoff.ts'

export interface RelayOptions {
  /** Address of the gateway, `http:` or `https:`. */
  readonly gateway: string
  readonly chainId: number
  readonly device: Signer
  /** Called for each session that a buyer opens. */
  readonly onSession: (transport: Transport) => void
  /** Called each time the gateway has taken this device: after a reconnect its memory may be empty. */
  readonly onReady: () => void
  readonly log: Log
}

export interface Relay {
  readonly gateway: string
  readonly connected: boolean
  close(): void
}

/** Most that waits in a gateway connection before senders are made to wait, in bytes. */
const HIGH_WATER = 4 * 1024 * 1024
const HANDSHAKE_MS = 10_000
/** Two missed pings of the gateway. */
const SILENCE_MS = 35_000
const SESSIONS_MAX = 64
/** Close code of a gateway that does not take the hello. */
const HELLO_REFUSED = 4401

/** Keeps one connection to a gateway, for ever, until `close`. */
export function connectRelay(options: RelayOptions): Relay {
  const { gateway, log } = options
  const url = `${gateway.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/relay/device`
  let closed = false
  let ready = false
  let failures = 0
  let socket: WebSocket | null = null
  let retry: NodeJS.Timeout | null = null

  function connect(): void {
    if (closed) return
    const current = new WebSocket(url, { handshakeTimeout: HANDSHAKE_MS, maxPayload: 2 * 1024 * 1024 })
    socket = current
    const sessions = new Map<Hex, Inbox>()
    let silence = setTimeout(() => current.terminate(), HANDSHAKE_MS)
    const alive = () => {
      clearTimeout(silence)
      silence = setTimeout(() => current.terminate(), SILENCE_MS)
    }

    current.on('ping', alive)
    current.on('message', (data: Buffer, binary: boolean) => {
      alive()
      try {
        if (binary) onFrame(data)
        else void onText(data.toString('utf8')).catch((error: unknown) => fail(error))
      } catch (error) {
        fail(error)
      }
    })
    current.on('error', (error) => log.debug({ event: 'relay.error', gateway, error: error.message }))
    current.on('close', (code, reason) => {
      clearTimeout(silence)
      for (const inbox of sessions.values()) inbox.end({ reason: 'the connection to the gateway was lost' })
      sessions.clear()
      if (ready) log.warn({ event: 'relay.lost', gateway, code })
      else if (code === HELLO_REFUSED) {
        log.warn({ event: 'relay.refused', gateway, code, reason: reason.toString() })
      }
      ready = false
      if (closed) return
      const pause = backoff(failures++, Math.random())
      retry = setTimeout(connect, pause)
    })

    function fail(error: unknown): void {
      log.warn({
        event: 'relay.protocol',
        gateway,
        error: error instanceof Error ? error.message : String(error),
      })
      current.terminate()
    }

    async function onText(text: string): Promise<void> {
      const message: unknown = JSON.parse(text)
      const challenge = relayChallengeSchema.safeParse(message)
      if (challenge.success) {
        const hello = await signRelayHello(options.device, {
          nonce: challenge.data.nonce,
          chainId: options.chainId,
          gateway,
        })
        current.send(JSON.stringify(hello))
        return
      }
      relayReadySchema.parse(message)
      ready = true
      failures = 0
      log.info({ event: 'relay.ready', gateway })
      options.onReady()
    }

    function onFrame(data: Buffer): void {
      const frame = decodeFrame(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      const inbox = sessions.get(frame.session)
      switch (frame.kind) {
        case 'open': {
          inbox?.end({ reason: 'the gateway opened the session again' })
          if (sessions.size >= SESSIONS_MAX) {
            current.send(encodeFrame({ session: frame.session, kind: 'close', payload: new Uint8Array(0) }))
            return
          }
          const opened = createInbox()
          sessions.set(frame.session, opened)
          options.onSession(transportOf(frame.session, opened))
          return
        }
        case 'data':
          // The buffer belongs to the socket and may be used again: keep a copy.
          inbox?.push(frame.payload.slice())
          return
        case 'close':
          sessions.delete(frame.session)
          inbox?.end({ reason: 'the buyer closed the session' })
          return
        default:
          frame.kind satisfies never
      }
    }

    function transportOf(id: Hex, inbox: Inbox): Transport {
      const open = () => sessions.get(id) === inbox && current.readyState === WebSocket.OPEN
      return {
        onMessage: inbox.onMessage,
        onClose: inbox.onClose,
        async send(bytes) {
          if (!open()) return
          current.send(encodeFrame({ session: id, kind: 'data', payload: bytes }))
          // There is no event for a drained socket, so it is looked at.
          while (open() && current.bufferedAmount > HIGH_WATER) {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        },
        close(code, reason) {
          if (open()) current.send(encodeFrame({ session: id, kind: 'close', payload: new Uint8Array(0) }))
          if (sessions.get(id) === inbox) sessions.delete(id)
          inbox.end({ code, reason })
        },
      }
    }
  }

  connect()
  return {
    gateway,
    get connected() {
      return ready
    },
    close() {
      closed = true
      if (retry !== null) clearTimeout(retry)
      socket?.close(1001)
      // A gateway that does not answer the closing handshake must not keep this process alive.
      const last = socket
      setTimeout(() => last?.terminate(), 500).unref()
    },
  }
}
