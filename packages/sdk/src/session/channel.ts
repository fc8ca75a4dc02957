import { MillraceError } from '../errors/MillraceError.ts'
import { SessionClosedError, SessionTamperedError } from '../errors/session.ts'
import { decodeMessage, encodeMessage, type Message } from './message.ts'
import type { Step } from './suite.ts'
import type { Transport } from './transport.ts'

/** Encrypted messages in order over a transport, both ways: what both sides of a session are built on. */
export interface Channel {
  /** Settled when the message was handed to the transport. Rejects with MessageTooLargeError or SessionClosedError. */
  send(header: Readonly<Record<string, unknown>>, body?: Uint8Array): Promise<void>
  close(code?: number, reason?: string): void
  /** Ends the channel for a reason that everybody who waits is told. */
  fail(error: MillraceError, code: number): void
  /** The error that ended the channel; settled once it is over, never rejected. */
  readonly closed: Promise<MillraceError>
}

/** What a channel needs. */
export interface ChannelOptions {
  readonly transport: Transport
  /** Encrypts the next message. */
  readonly seal: Step
  /** Decrypts the next message. Resolves to `null` for one that carries no content. */
  readonly open: Step
  /** Called for each message in order; what it throws ends the channel. */
  readonly onMessage: (message: Message) => void
  /** Number of the next message to come, for errors. */
  readonly received: number
}

/** Starts a channel. Messages are decrypted strictly one after the other, so their order is the order they came in. */
export function createChannel(options: ChannelOptions): Channel {
  const { transport, seal, open, onMessage } = options
  let over: MillraceError | undefined
  let tell: (error: MillraceError) => void = () => undefined
  const closed = new Promise<MillraceError>((done) => {
    tell = done
  })
  let sending: Promise<void> = Promise.resolve()
  let receiving: Promise<void> = Promise.resolve()
  let received = options.received

  const finish = (error: MillraceError) => {
    if (over !== undefined) return
    over = error
    tell(error)
  }
  const fail = (error: MillraceError, code: number) => {
    if (over !== undefined) return
    finish(error)
    transport.close(code, error.code)
  }

  transport.onClose(({ code, reason }) => {
    // What came before the end is still decrypted and delivered.
    receiving = receiving.then(() => finish(new SessionClosedError({ closeCode: code, reason })))
  })
  transport.onMessage((bytes) => {
    receiving = receiving.then(async () => {
      if (over !== undefined) return
      const number = received++
      let plain: Uint8Array
      try {
        plain = await open(bytes)
      } catch (cause) {
        fail(new SessionTamperedError({ message: number, cause }), closeCodes.tampered)
        return
      }
      try {
        onMessage(decodeMessage(plain))
      } catch (error) {
        if (error instanceof MillraceError) fail(error, closeCodes.invalid)
        else {
          // The fault is this side's own; thrown on, it would be nobody's, and `closed` would never settle.
          const code = closeCodes.failed
          fail(new SessionClosedError({ closeCode: code, reason: 'a listener failed', cause: error }), code)
        }
      }
    })
  })

  return {
    closed,
    fail,
    async send(header, body) {
      if (over !== undefined) throw over
      const plain = encodeMessage(header, body)
      const sent = sending.then(async () => {
        if (over !== undefined) throw over
        const sealed = await seal(plain)
        await transport.send(sealed)
      })
      sending = sent.catch(() => undefined)
      await sent
    },
    close(code = closeCodes.normal, reason = '') {
      finish(new SessionClosedError({ closeCode: code, reason }))
      // What was sent before goes out first.
      sending.then(() => transport.close(code, reason))
    },
  }
}

/** Close codes of a session's own, beside those of the relay. */
export const closeCodes = {
  normal: 1000,
  /** A message has not the form of protocol §6. */
  invalid: 4400,
  /** A message could not be decrypted. */
  tampered: 4401,
  /** The device did not take the hello. */
  refused: 4403,
  /** A listener of this side threw. */
  failed: 4500,
} as const
