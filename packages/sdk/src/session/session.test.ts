import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { MillraceError } from '../errors/MillraceError.ts'
import {
  LeaseRequiredError,
  MessageTooLargeError,
  NotLeaseBuyerError,
  SessionClockError,
  SessionClosedError,
  SessionHelloError,
  SessionRefusedError,
  SessionReplayedError,
  SessionRequestError,
  SessionTamperedError,
  SessionTimeoutError,
} from '../errors/session.ts'
import { type AcceptSessionOptions, acceptSession, type SessionHandler } from './acceptSession.ts'
import { openSession } from './openSession.ts'
import { createReplayGuard } from './replayGuard.ts'
import { generateSessionKey } from './sessionKey.ts'
import { linkedTransports, type Transport } from './transport.ts'
import { webSocketTransport } from './webSocketTransport.ts'

const domain = { chainId: 31337, market: '0x00000000000000000000000000000000000000aa' } as const
const buyer = privateKeyToAccount(generatePrivateKey())
const key = await generateSessionKey()
const lease: Hex = `0x${'11'.repeat(32)}`
const now = 1_790_000_000

const handlers: Record<string, SessionHandler> = {
  ping: () => ({ result: { now, chainId: 31337 } }),
  'bundle.write': ({ body, params }) => ({ result: { received: body.length, params } }),
  'outputs.read': ({ body }) => ({ result: { offset: 0 }, body: body.toReversed() }),
  'challenge.echo': ({ params, body }) => ({ result: params, body }),
  'job.status': () => {
    throw new MillraceError({ code: 'JOB_UNKNOWN', message: 'No such job.', retryable: true })
  },
  'job.stop': () => {
    throw new RangeError('a secret of the machine')
  },
  'receipt.get': () => new Promise(() => undefined),
}

const accepting = (transport: Transport, options: Partial<AcceptSessionOptions> = {}) =>
  acceptSession({
    ...domain,
    transport,
    privateKey: key.privateKey,
    now: () => now,
    verify: () => undefined,
    handlers,
    ...options,
  })
const opening = (transport: Transport, options: Partial<Parameters<typeof openSession>[0]> = {}) =>
  openSession({ ...domain, transport, sessionKey: key.publicKey, lease, account: buyer, now, ...options })

async function both(
  deviceOptions: Partial<AcceptSessionOptions> = {},
  alter?: (bytes: Uint8Array) => Uint8Array<ArrayBuffer>[],
) {
  const [buyerEnd, deviceEnd] = linkedTransports()
  const tampered: Transport =
    alter === undefined
      ? buyerEnd
      : {
          ...buyerEnd,
          async send(bytes) {
            for (const altered of alter(bytes)) await buyerEnd.send(altered)
          },
        }
  const accepted = accepting(deviceEnd, deviceOptions)
  accepted.catch(() => undefined)
  const session = await opening(tampered)
  return { session, accepted }
}

describe('default', () => {
  test('a request is answered, with bytes both ways', async () => {
    const { session, accepted } = await both()
    const { result } = await session.request('ping', {})
    expect(result).toEqual({ now, chainId: 31337 })
    const read = await session.request('outputs.read', { offset: 0, length: 3 }, new Uint8Array([1, 2, 3]))
    expect([...read.body]).toEqual([3, 2, 1])
    const device = await accepted
    expect(device.hello.lease).toBe(lease)
    expect(device.hello.signer).toBe(buyer.address)
  })

  test('events arrive in order with their bytes; requests may be in flight together', async () => {
    const { session, accepted } = await both()
    const seen: number[] = []
    session.on('log', (event, body) => seen.push(Number(event.offset), ...body))
    const device = await accepted
    const answers = Promise.all(
      Array.from({ length: 50 }, (_, offset) =>
        session.request('bundle.write', { hash: lease, offset }, new Uint8Array(offset)),
      ),
    )
    for (let offset = 0; offset < 20; offset++) await device.emit('log', { offset }, new Uint8Array([offset]))
    expect((await answers).map(({ result }) => result.received)).toEqual([...Array(50).keys()])
    await expect.poll(() => seen.length).toBe(40)
    expect(seen).toEqual([...Array(20).keys()].flatMap((offset) => [offset, offset]))
  })

  test('works over WebSockets', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('connection', (socket) => {
      accepting(webSocketTransport(socket)).catch(() => undefined)
    })
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    const session = await opening(webSocketTransport(new WebSocket(`ws://127.0.0.1:${port}`)))
    const sent = crypto.getRandomValues(new Uint8Array(60_000))
    const { body } = await session.request('challenge.echo', { n: 1 }, sent)
    expect(Buffer.from(body).equals(sent)).toBe(true)
    session.close()
    expect(await session.closed).toBeInstanceOf(SessionClosedError)
    server.close()
  })
})

describe('error: SessionClosedError', () => {
  test('says what the relay meant, also when the socket never opened', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('connection', (socket) => socket.close(4404, 'gone'))
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    const refused = async (url: string) => {
      const session = await opening(webSocketTransport(new WebSocket(url)))
      await session.request('ping', {})
    }
    await expect(refused(`ws://127.0.0.1:${port}`)).rejects.toThrow(
      'The session was closed with code 4404: the device is not connected to this gateway.',
    )
    server.close()
    await expect(refused('ws://127.0.0.1:1')).rejects.toBeInstanceOf(SessionClosedError)
  })
})

describe('behavior: a listener that throws', () => {
  test('ends the session with its error as the cause, and every request with it', async () => {
    const { session, accepted } = await both()
    const fault = new RangeError('a fault of the listener')
    session.on('log', () => {
      throw fault
    })
    const waiting = session.request('receipt.get', {})
    waiting.catch(() => undefined)
    const device = await accepted
    await device.emit('log', {})
    const error = await session.closed
    expect(error).toBeInstanceOf(SessionClosedError)
    expect(error.cause).toBe(fault)
    await expect(waiting).rejects.toBe(error)
    expect(await device.closed).toMatchObject({ details: { closeCode: 4500 } })
  })
})

describe('behavior: a session without a lease', () => {
  test('gets ping and challenges, nothing else', async () => {
    const [buyerEnd, deviceEnd] = linkedTransports()
    const accepted = accepting(deviceEnd)
    const session = await openSession({
      ...domain,
      transport: buyerEnd,
      sessionKey: key.publicKey,
      lease: null,
      now,
    })
    expect((await accepted).hello.signer).toBeNull()
    await session.request('ping', {})
    await session.request('challenge.echo', {})
    await expect(session.request('job.stop', {})).rejects.toMatchObject({ reason: LeaseRequiredError.code })
  })
})

describe('error: SessionRequestError', () => {
  test('carries the code of the device, and hides what is not ours', async () => {
    const errors: unknown[] = []
    const { session } = await both({ onError: (error) => errors.push(error) })
    const failure = await session.request('job.status', {}).catch((error) => error)
    expect(failure).toBeInstanceOf(SessionRequestError)
    expect(failure).toMatchObject({ reason: 'JOB_UNKNOWN', retryable: true })
    await expect(session.request('job.stop', {})).rejects.toMatchObject({
      reason: 'INTERNAL',
      message: expect.not.stringContaining('secret'),
    })
    expect(errors).toHaveLength(1)
    await expect(session.request('challenge.none', {})).rejects.toMatchObject({ reason: 'METHOD_UNKNOWN' })
  })
})

describe('error: SessionTimeoutError', () => {
  test('when the device is silent', async () => {
    const { session } = await both()
    await expect(session.request('receipt.get', {}, undefined, { timeout: 20 })).rejects.toBeInstanceOf(
      SessionTimeoutError,
    )
  })
})

describe('error: MessageTooLargeError', () => {
  test('before anything is sent; the session goes on', async () => {
    const { session } = await both()
    await expect(session.request('challenge.echo', {}, new Uint8Array(1_048_576))).rejects.toBeInstanceOf(
      MessageTooLargeError,
    )
    await session.request('ping', {})
  })
})

describe('error: SessionRefusedError', () => {
  test('tells the buyer why', async () => {
    const { session, accepted } = await both({
      verify: ({ lease: asked, signer }) => {
        throw new NotLeaseBuyerError({ lease: asked ?? lease, signer: String(signer), buyer: domain.market })
      },
    })
    await expect(accepted).rejects.toBeInstanceOf(NotLeaseBuyerError)
    const error = await session.closed
    expect(error).toBeInstanceOf(SessionRefusedError)
    expect(error).toMatchObject({ reason: NotLeaseBuyerError.code })
    await expect(session.request('ping', {})).rejects.toBe(error)
  })

  test('error: SessionClockError, at 121 s but not at 120 s', async () => {
    for (const off of [120, -120]) await (await both({ now: () => now + off })).accepted
    for (const off of [121, -121]) {
      const { accepted, session } = await both({ now: () => now + off })
      await expect(accepted).rejects.toBeInstanceOf(SessionClockError)
      expect(await session.closed).toMatchObject({ reason: SessionClockError.code })
    }
  })

  test('error: SessionReplayedError, when recorded messages are repeated', async () => {
    const recorded: Uint8Array<ArrayBuffer>[] = []
    const replayGuard = createReplayGuard()
    const { session } = await both({ replayGuard }, (bytes) => {
      recorded.push(bytes.slice())
      return [bytes.slice()]
    })
    await session.request('ping', {})
    const [attacker, deviceEnd] = linkedTransports()
    const accepted = accepting(deviceEnd, { replayGuard })
    for (const bytes of recorded) await attacker.send(bytes)
    await expect(accepted).rejects.toBeInstanceOf(SessionReplayedError)
  })

  test('a repeated hello never gets the same bytes from a device that forgot it', async () => {
    const recorded: Uint8Array<ArrayBuffer>[] = []
    const answers: Uint8Array[] = []
    await both({ replayGuard: createReplayGuard() }, (bytes) => {
      recorded.push(bytes.slice())
      return [bytes.slice()]
    }).then(({ session }) => session.request('ping', {}))
    for (let time = 0; time < 2; time++) {
      const [attacker, deviceEnd] = linkedTransports()
      attacker.onMessage((bytes) => answers.push(bytes))
      const accepted = accepting(deviceEnd, { replayGuard: createReplayGuard() })
      for (const bytes of recorded) await attacker.send(bytes)
      await accepted
      await expect.poll(() => answers.length).toBe(time + 1)
    }
    expect(Buffer.from(answers[0] ?? []).subarray(32)).not.toEqual(Buffer.from(answers[1] ?? []).subarray(32))
  })
})

describe('error: SessionHelloError', () => {
  test('for a device with another key, for garbage, and for silence', async () => {
    const other = await generateSessionKey()
    const { accepted } = await both({ privateKey: other.privateKey })
    await expect(accepted).rejects.toBeInstanceOf(SessionHelloError)
    for (const size of [0, 31, 47, 48, 200]) {
      const [attacker, deviceEnd] = linkedTransports()
      const refused = accepting(deviceEnd)
      await attacker.send(new Uint8Array(size).fill(7))
      await expect(refused).rejects.toBeInstanceOf(SessionHelloError)
    }
    const [, deviceEnd] = linkedTransports()
    await expect(accepting(deviceEnd, { helloTimeout: 10 })).rejects.toBeInstanceOf(SessionHelloError)
  })
})

describe('error: SessionTamperedError', () => {
  const exchange = async (alter: (bytes: Uint8Array, number: number) => Uint8Array<ArrayBuffer>[]) => {
    let number = 0
    const { session, accepted } = await both({ replayGuard: createReplayGuard() }, (bytes) =>
      alter(bytes, number++),
    )
    const answers = await Promise.allSettled([
      session.request('challenge.echo', { a: 1 }, new Uint8Array(40), { timeout: 500 }),
      session.request('challenge.echo', { a: 2 }, new Uint8Array(40), { timeout: 500 }),
    ])
    return { answers, session, accepted }
  }

  test('behavior: any flipped bit of any message closes the session', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(7), async (which, at, bit) => {
        const { answers, accepted } = await exchange((bytes, number) => {
          const copy = bytes.slice()
          const index = at % copy.length
          // The top bit of an X25519 key is ignored by RFC 7748, but it is in the transcript of HPKE.
          if (number === which) copy[index] = (copy[index] ?? 0) ^ (1 << bit)
          return [copy]
        })
        expect(answers.some(({ status }) => status === 'rejected')).toBe(true)
        const device = await accepted.catch((error) => error)
        if (which === 0) expect(device).toBeInstanceOf(SessionHelloError)
        else expect(await device.closed).toBeInstanceOf(SessionTamperedError)
      }),
      { numRuns: 60 },
    )
  })

  test('behavior: repeated, dropped and reordered messages close it', async () => {
    const held: Uint8Array<ArrayBuffer>[] = []
    const attacks: ((bytes: Uint8Array, number: number) => Uint8Array<ArrayBuffer>[])[] = [
      (bytes, number) => (number === 1 ? [bytes.slice(), bytes.slice()] : [bytes.slice()]),
      (bytes, number) => (number === 1 ? [] : [bytes.slice()]),
      (bytes, number) => {
        if (number === 1) {
          held.push(bytes.slice())
          return []
        }
        return number === 2 ? [bytes.slice(), ...held] : [bytes.slice()]
      },
    ]
    for (const attack of attacks) {
      const { accepted } = await exchange(attack)
      expect(await (await accepted).closed).toBeInstanceOf(SessionTamperedError)
    }
  })

  test("behavior: a reply that was altered closes the buyer's side", async () => {
    const [buyerEnd, deviceEnd] = linkedTransports()
    accepting({
      ...deviceEnd,
      send: (bytes) => {
        const copy = bytes.slice()
        copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
        return deviceEnd.send(copy)
      },
    }).catch(() => undefined)
    const session = await opening(buyerEnd)
    await expect(session.request('ping', {})).rejects.toBeInstanceOf(SessionTamperedError)
  })
})
