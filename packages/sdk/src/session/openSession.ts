import { bytesToHex, type Hash, type Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { parse } from '../border/parse.ts'
import type { MillraceError } from '../errors/MillraceError.ts'
import {
  SessionMessageError,
  SessionRefusedError,
  SessionRequestError,
  SessionTamperedError,
  SessionTimeoutError,
} from '../errors/session.ts'
import type { MarketDomain } from '../market/domain.ts'
import { closeCodes, createChannel } from './channel.ts'
import { signSession } from './hello.ts'
import type { Message } from './message.ts'
import { type SessionMethod, type SessionParams, type SessionResult, sessionResults } from './methods.ts'
import { importSessionKey } from './sessionKey.ts'
import { openReplies, replyContext, type Step, saltBytes, sessionInfo, suite } from './suite.ts'
import type { Transport } from './transport.ts'

/** How a buyer opens a session. */
export interface OpenSessionOptions extends MarketDomain {
  readonly transport: Transport
  /** The device's public session key, from the spec of the offer. */
  readonly sessionKey: Hash
  /** The lease, or `null` for `ping` and `challenge.*` only. */
  readonly lease: Hash | null
  /** The lease's buyer. May be left out without a lease. */
  readonly account?: Signer
  /** Unix seconds. */
  readonly now: number
  /** Signs the hello in the buyer's name where the buyer is a contract; `account` then is a key it trusts. */
  readonly timeout?: number
}

/** An answer with the bytes that came with it. */
export interface SessionAnswer<result> {
  readonly result: result
  readonly body: Uint8Array
}

/** An event of the device: its header and bytes. */
export type SessionListener = (event: Readonly<Record<string, unknown>>, body: Uint8Array) => void

/** A buyer's end-to-end encrypted session with a device. */
export interface Session {
  /**
   * Asks the device. Requests may be in flight at the same time; the device begins them in order.
   * Throws SessionRequestError (the device's error), SessionTimeoutError, MessageTooLargeError, InvalidInputError (an
   * answer that is none), or the error that ended the session.
   */
  request<method extends SessionMethod>(
    method: method,
    params: SessionParams[method],
    body?: Uint8Array,
    options?: { readonly timeout?: number },
  ): Promise<SessionAnswer<SessionResult<method>>>
  request(
    method: `challenge.${string}`,
    params: Readonly<Record<string, unknown>>,
    body?: Uint8Array,
    options?: { readonly timeout?: number },
  ): Promise<SessionAnswer<unknown>>
  /** Listens to an event by its name, `job`, `log`, `log.end`. Returns a function that ends it. */
  on(event: string, listener: SessionListener): () => void
  close(): void
  /** The error that ended the session; settled once it is over, never rejected. */
  readonly closed: Promise<MillraceError>
}

interface Pending {
  readonly method: string
  readonly resolve: (answer: SessionAnswer<unknown>) => void
  readonly reject: (error: MillraceError) => void
  readonly timer: ReturnType<typeof setTimeout> | undefined
}

const defaultTimeout = 60_000

/**
 * Opens a session with a device (protocol §6): HPKE to its session key, the hello signed by the lease's buyer. Nobody
 * between can read or alter it. It does not wait for the device: requests can follow at once.
 *
 * @param options Transport, the device's session key, lease, buyer's account, chain id and market, `now` in Unix
 * seconds, `timeout` of a request in milliseconds (default 60 000).
 * @returns The session.
 * @throws SessionHelloError if the session key is none.
 * @see https://www.rfc-editor.org/rfc/rfc9180
 * @example
 * const session = await openSession({ transport, sessionKey: spec.sessionKey, lease, account, chainId, market, now })
 * const { result } = await session.request('job.status', {})
 */
export async function openSession(options: OpenSessionOptions): Promise<Session> {
  const { transport, lease, account, now: at, timeout = defaultTimeout } = options
  const recipientPublicKey = await importSessionKey(options.sessionKey, 'public')
  const sender = await suite.createSenderContext({ recipientPublicKey, info: sessionInfo })
  const encBytes = new Uint8Array(sender.enc)
  const enc = bytesToHex(encBytes)

  let signature: Hex = '0x'
  if (account !== undefined) signature = await signSession(account, { lease, enc, at }, options)
  const seal: Step = async (bytes) => new Uint8Array(await sender.seal(bytes))
  const hello = await seal(new TextEncoder().encode(JSON.stringify({ version: 1, lease, at, signature })))
  const first = new Uint8Array(encBytes.length + hello.length)
  first.set(encBytes)
  first.set(hello, encBytes.length)

  let openNext: Step | undefined
  const open: Step = async (bytes) => {
    if (openNext !== undefined) return openNext(bytes)
    openNext = openReplies(await replyContext(sender, encBytes, bytes.subarray(0, saltBytes)))
    return openNext(bytes.subarray(saltBytes))
  }

  const pending = new Map<number, Pending>()
  const listeners = new Map<string, Set<SessionListener>>()
  let nextId = 1

  const settle = (id: number) => {
    const waiting = pending.get(id)
    if (waiting === undefined) return undefined
    pending.delete(id)
    clearTimeout(waiting.timer)
    return waiting
  }
  const onMessage = ({ header, body }: Message) => {
    if (typeof header.event === 'string') {
      const name = header.event
      if (name === 'refused') channel.fail(refusal(header), closeCodes.refused)
      else for (const listener of listeners.get(name) ?? []) listener(header, body)
      return
    }
    if (typeof header.id !== 'number')
      throw new SessionMessageError({ reason: 'it is neither an event nor an answer' })
    const waiting = settle(header.id)
    // Nobody waits any more: the request timed out.
    if (waiting === undefined) return
    if (header.error !== undefined) waiting.reject(requestError(waiting.method, header.error))
    else waiting.resolve({ result: header.result, body })
  }

  const channel = createChannel({ transport, seal, open, onMessage, received: 0 })
  channel.closed.then((error) => {
    for (const id of [...pending.keys()]) settle(id)?.reject(error)
  })
  try {
    await transport.send(first)
  } catch (cause) {
    transport.close()
    throw cause
  }

  async function request(
    method: string,
    params: Readonly<Record<string, unknown>> | SessionParams[SessionMethod],
    body?: Uint8Array,
    requestOptions?: { readonly timeout?: number },
  ): Promise<SessionAnswer<never>> {
    const id = nextId++
    const limit = requestOptions?.timeout ?? timeout
    const answer = new Promise<SessionAnswer<unknown>>((resolve, reject) => {
      const timer = Number.isFinite(limit)
        ? setTimeout(() => settle(id)?.reject(new SessionTimeoutError({ method, timeout: limit })), limit)
        : undefined
      pending.set(id, { method, resolve, reject, timer })
    })
    // The answer may be rejected while the request is still being sent.
    answer.catch(() => undefined)
    try {
      await channel.send({ id, method, params }, body)
    } catch (error) {
      settle(id)
      throw error
    }
    const answered = await answer
    const schema = Object.hasOwn(sessionResults, method) ? sessionResults[method as SessionMethod] : undefined
    const result =
      schema === undefined ? answered.result : parse(schema, answered.result, `answer to '${method}'`)
    // The overloads of `Session` say what each method answers; the schema above has made it true.
    return { result: result as never, body: answered.body }
  }

  return {
    request,
    on(event, listener) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set)
      set.add(listener)
      return () => set.delete(listener)
    },
    close: () => channel.close(),
    closed: channel.closed,
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

function refusal(header: Readonly<Record<string, unknown>>): MillraceError {
  const error = header.error
  if (typeof error !== 'object' || error === null) return new SessionTamperedError({ message: 0 })
  return new SessionRefusedError({
    code: textOf('code' in error ? error.code : ''),
    message: textOf('message' in error ? error.message : ''),
  })
}

function requestError(method: string, error: unknown): MillraceError {
  if (typeof error !== 'object' || error === null)
    return new SessionMessageError({ reason: `the error that answers '${method}' is not an object` })
  return new SessionRequestError({
    method,
    code: textOf('code' in error ? error.code : ''),
    message: textOf('message' in error ? error.message : ''),
    retryable: 'retryable' in error && error.retryable === true,
  })
}
