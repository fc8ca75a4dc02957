import { bytesToHex, type Hex } from 'viem'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import { parse } from '../border/parse.ts'
import { MillraceError } from '../errors/MillraceError.ts'
import {
  LeaseRequiredError,
  MethodUnknownError,
  SessionClockError,
  SessionClosedError,
  SessionHelloError,
  SessionMessageError,
} from '../errors/session.ts'
import type { MarketDomain } from '../market/domain.ts'
import { type Channel, closeCodes, createChannel } from './channel.ts'
import { hashSession, helloTolerance, sessionHelloSchema, type VerifiableHello } from './hello.ts'
import { type Message, readJson } from './message.ts'
import { createReplayGuard, type ReplayGuard } from './replayGuard.ts'
import { importSessionKey } from './sessionKey.ts'
import { encBytes, replyContext, type Step, saltBytes, sealReplies, sessionInfo, suite } from './suite.ts'
import type { Transport } from './transport.ts'

/** One request of a buyer. */
export interface SessionRequest {
  readonly method: string
  /** As it came; read it by a schema. */
  readonly params: unknown
  readonly body: Uint8Array
  readonly session: DeviceSession
}

/** What a handler answers: a result that JSON can carry, and bytes. */
export interface SessionReply {
  readonly result: unknown
  readonly body?: Uint8Array
}

/** Answers one method. A MillraceError that it throws reaches the buyer with its code; anything else as `INTERNAL`. */
export type SessionHandler = (request: SessionRequest) => SessionReply | Promise<SessionReply>

/** How a device takes a session. */
export interface AcceptSessionOptions extends MarketDomain {
  readonly transport: Transport
  /** The private half of the session key in the device's spec. */
  readonly privateKey: Hex
  /** Throws a MillraceError to refuse; its code and message reach the buyer. */
  readonly verify: (hello: VerifiableHello) => void | Promise<void>
  readonly handlers: Readonly<Record<string, SessionHandler>>
  /** The device's clock in Unix seconds. */
  readonly now: () => number
  /** Default: one that all sessions of this process share. */
  readonly replayGuard?: ReplayGuard
  /** Told of errors that are not the buyer's: a handler that threw something else than a MillraceError. */
  readonly onError?: (error: unknown, method: string) => void
  /** Milliseconds to wait for the first message. Default 10 000. */
  readonly helloTimeout?: number
}

/** The device's end of a session. */
export interface DeviceSession {
  readonly hello: VerifiableHello
  /** Pushes an event; settled when the transport takes more. Rejects with the error that ended the session. */
  emit(event: string, fields?: Readonly<Record<string, unknown>>, body?: Uint8Array): Promise<void>
  close(code?: number, reason?: string): void
  /** The error that ended the session; settled once it is over, never rejected. */
  readonly closed: Promise<MillraceError>
}

const sharedGuard = createReplayGuard()
const defaultHelloTimeout = 10_000

/**
 * Takes a session that a buyer opens (protocol §6): decrypts the hello, checks its time and that it is no repetition,
 * lets `verify` decide, and from then on answers requests by `handlers`. Without a lease only `ping`,
 * `haggle` and `challenge.*` are answered. Handlers are called in the order in which requests came, and may answer in any order.
 *
 * @param options Transport, private session key, chain id and market, `verify`, `handlers`, `now` in Unix seconds,
 * `helloTimeout` in milliseconds.
 * @returns The device's end of the session.
 * @throws SessionHelloError | SessionClockError | SessionReplayedError | SessionClosedError | what `verify` throws.
 * The transport is closed then, and the buyer was told if it could be.
 * @example
 * const session = await acceptSession({ transport, privateKey, chainId, market, now, verify, handlers })
 */
export async function acceptSession(options: AcceptSessionOptions): Promise<DeviceSession> {
  const { transport, handlers, verify } = options
  const guard = options.replayGuard ?? sharedGuard
  const incoming = firstThenRest(transport)
  const first = await incoming.first(options.helloTimeout ?? defaultHelloTimeout)

  const opened = await openHello(first, options).catch((error: MillraceError) => {
    transport.close(closeCodes.invalid, error.code)
    throw error
  })
  const { context, enc, plain } = opened
  const salt = crypto.getRandomValues(new Uint8Array(saltBytes))
  const sealNext = sealReplies(await replyContext(context, enc, salt))
  let salted = false
  const seal: Step = async (bytes) => {
    const sealed = await sealNext(bytes)
    if (salted) return sealed
    salted = true
    const withSalt = new Uint8Array(saltBytes + sealed.length)
    withSalt.set(salt)
    withSalt.set(sealed, saltBytes)
    return withSalt
  }
  const open: Step = async (bytes) => new Uint8Array(await context.open(bytes))

  let hello: VerifiableHello
  try {
    hello = await checkHello(plain, enc, options)
    guard.take(hello.enc, options.now())
    await verify(hello)
  } catch (error) {
    const told = error instanceof MillraceError ? error : internal()
    await refuse(transport, seal, told)
    throw error
  }

  const onMessage = ({ header, body }: Message) => {
    const { id, method } = header
    if (typeof id !== 'number' || typeof method !== 'string')
      throw new SessionMessageError({ reason: 'a request needs a number as id and a method' })
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
    answer(channel, id, async () => {
      if (hello.lease === null && !isForAnyone(method)) throw new LeaseRequiredError({ method })
      if (handler === undefined) throw new MethodUnknownError({ method })
      try {
        return await handler({ method, params: header.params, body, session })
      } catch (error) {
        if (!(error instanceof MillraceError)) options.onError?.(error, method)
        throw error
      }
    })
  }
  const channel = createChannel({ transport: incoming.rest, seal, open, onMessage, received: 1 })
  const session: DeviceSession = {
    hello,
    emit: (event, fields, body) => channel.send({ ...fields, event }, body),
    close: channel.close,
    closed: channel.closed,
  }
  return session
}

/** What a device answers before any lease. */
const isForAnyone = (method: string) =>
  method === 'ping' || method === 'haggle' || method.startsWith('challenge.')

const internal = () =>
  new MillraceError({ code: 'INTERNAL', message: 'The device failed to answer.', retryable: true })

async function answer(channel: Channel, id: number, run: () => Promise<SessionReply>): Promise<void> {
  try {
    const { result, body } = await run()
    await channel.send({ id, result }, body)
  } catch (error) {
    const { code, message, retryable } = error instanceof MillraceError ? error : internal()
    // If this fails too, the session is over, and whoever waits is told by `closed`.
    await channel.send({ id, error: { code, message, retryable } }).catch(() => undefined)
  }
}

async function refuse(transport: Transport, seal: Step, error: MillraceError): Promise<void> {
  const header = new TextEncoder().encode(
    JSON.stringify({ event: 'refused', error: { code: error.code, message: error.message } }),
  )
  const message = new Uint8Array(4 + header.length)
  new DataView(message.buffer).setUint32(0, header.length)
  message.set(header, 4)
  try {
    await transport.send(await seal(message))
  } catch {
    // The buyer is gone already; there is nobody to tell.
  }
  transport.close(closeCodes.refused, error.code)
}

async function openHello(first: Uint8Array, { privateKey }: AcceptSessionOptions) {
  if (first.length < encBytes + 16)
    throw new SessionHelloError({ reason: `it has only ${first.length} bytes` })
  const recipientKey = await importSessionKey(privateKey, 'private')
  const enc = first.slice(0, encBytes)
  try {
    const context = await suite.createRecipientContext({ recipientKey, enc, info: sessionInfo })
    const plain = new Uint8Array(await context.open(first.slice(encBytes)))
    return { context, enc, plain }
  } catch (cause) {
    throw new SessionHelloError({ reason: "it is not sealed to this device's session key", cause })
  }
}

async function checkHello(
  plain: Uint8Array,
  encapsulated: Uint8Array,
  options: AcceptSessionOptions,
): Promise<VerifiableHello> {
  const hello = parse(sessionHelloSchema, readJson(plain), 'session hello')
  const now = options.now()
  if (Math.abs(now - hello.at) > helloTolerance)
    throw new SessionClockError({ at: hello.at, now, tolerance: helloTolerance })
  const enc = bytesToHex(encapsulated)
  const digest = hashSession({ lease: hello.lease, enc, at: hello.at }, options)
  return { ...hello, enc, digest, signer: await recoverSigner(digest, hello.signature) }
}

/** Splits a transport into its first message and a transport of all that follow. */
function firstThenRest(transport: Transport): {
  first(timeout: number): Promise<Uint8Array>
  rest: Transport
} {
  const kept: Uint8Array[] = []
  let listener: ((bytes: Uint8Array) => void) | undefined
  let closeListener: Parameters<Transport['onClose']>[0] | undefined
  let ended: Parameters<Parameters<Transport['onClose']>[0]>[0] | undefined
  let arrived: (bytes: Uint8Array) => void = () => undefined
  let gone: (error: MillraceError) => void = () => undefined
  const first = new Promise<Uint8Array>((resolve, reject) => {
    arrived = resolve
    gone = reject
  })
  first.catch(() => undefined)
  let begun = false
  transport.onClose((close) => {
    ended = close
    gone(new SessionClosedError({ closeCode: close.code, reason: close.reason }))
    closeListener?.(close)
  })
  transport.onMessage((bytes) => {
    if (!begun) {
      begun = true
      arrived(bytes)
    } else if (listener === undefined) kept.push(bytes)
    else listener(bytes)
  })
  return {
    first(timeout) {
      const timer = setTimeout(() => {
        gone(new SessionHelloError({ reason: `none came within ${timeout} ms` }))
        transport.close(closeCodes.invalid, SessionHelloError.code)
      }, timeout)
      return first.finally(() => clearTimeout(timer))
    },
    rest: {
      send: (bytes) => transport.send(bytes),
      close: (code, reason) => transport.close(code, reason),
      onMessage(next) {
        listener = next
        for (const bytes of kept.splice(0)) next(bytes)
      },
      onClose(next) {
        closeListener = next
        if (ended !== undefined) next(ended)
      },
    },
  }
}
