import {
  acceptSession,
  generateSessionKey,
  linkedTransports,
  openSession,
  SessionRequestError,
} from '@millrace/sdk'
import { challengeMachine, compareClaim } from '@millrace/sdk/challenge'
import { bytesToHex } from 'viem'
import { afterEach, describe, expect, test } from 'vitest'
import { mostRows } from './cpuLayout.ts'
import {
  type ChallengeHandlerOptions,
  type ChallengeHandlers,
  createChallengeHandlers,
} from './createChallengeHandlers.ts'

const domain = { chainId: 31337, market: '0x00000000000000000000000000000000000000aa' } as const
const key = await generateSessionKey()
const cpu = { cpus: 2, cpuModel: 'AMD EPYC', memoryBytes: 2 ** 28 }
const hash = (byte: number) => bytesToHex(new Uint8Array(32).fill(byte))
const made: ChallengeHandlers[] = []
afterEach(async () => {
  await Promise.all(made.splice(0).map((handlers) => handlers.close()))
})

function machine(options: Partial<ChallengeHandlerOptions> = {}): ChallengeHandlers {
  const handlers = createChallengeHandlers({ ...cpu, ...options })
  made.push(handlers)
  return handlers
}

/** A stranger's session, end to end encrypted, as over a gateway. */
async function connect({ close: _, ...handlers }: ChallengeHandlers) {
  const [buyer, device] = linkedTransports()
  const now = Math.floor(Date.now() / 1000)
  const accepted = acceptSession({
    ...domain,
    transport: device,
    privateKey: key.privateKey,
    now: () => now,
    verify: () => undefined,
    handlers: { ...handlers },
  })
  const session = await openSession({
    ...domain,
    transport: buyer,
    sessionKey: key.publicKey,
    lease: null,
    now,
  })
  await accepted
  return session
}

type Connected = Awaited<ReturnType<typeof connect>>
const begin = async (session: Connected, params = {}) => {
  const { result } = await session.request('challenge.begin', {
    n: 512,
    seed: hash(1),
    device: 'cpu',
    ...params,
  })
  return (result as { id: string }).id
}
const reveal = (session: Connected, id: string, params = {}) =>
  session.request('challenge.reveal', { id, r: hash(2), rows: [0, 9], offset: 0, ...params })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof SessionRequestError ? error.reason : error),
  )

describe('createChallengeHandlers', () => {
  test('default: a stranger challenges the machine over a session and compares the claim', async () => {
    const session = await connect(machine())
    const result = await challengeMachine(session, { n: 1024 })
    expect(result).toMatchObject({ passed: true, reasons: [], engine: 'wasm', n: 1024 })
    expect(result.units).toEqual([{ name: 'AMD EPYC', uuid: null }])
    expect(result.gflops).toBeGreaterThan(0)
    const claimed = (cpuGflops: number) => ({ gpus: [], measured: { cpuGflops, gpuTflops: 0, at: 1 } })
    expect(compareClaim(claimed(result.gflops), result).type).toBe('met')
    expect(compareClaim(claimed(10 * result.gflops), result).type).toBe('below')
  })

  test('behavior: one after the other, any number of times', async () => {
    const session = await connect(machine())
    for (let i = 0; i < 5; i++) expect((await challengeMachine(session, { n: 512 })).reasons).toEqual([])
  })

  test('behavior: a commitment is opened once and then forgotten', async () => {
    const session = await connect(machine())
    const id = await begin(session)
    await reveal(session, id)
    expect(await codeOf(reveal(session, id))).toBe('CHALLENGE_UNKNOWN')
  })

  test('behavior: a commitment that nobody opens expires and makes room', async () => {
    const session = await connect(machine({ expiryMs: 1 }))
    const id = await begin(session)
    const free = async () => {
      while ((await codeOf(begin(session))) === 'CHALLENGE_BUSY') await new Promise((go) => setTimeout(go, 5))
    }
    await free()
    expect(await codeOf(reveal(session, id))).toBe('CHALLENGE_UNKNOWN')
  })

  test('behavior: who leaves gives the machine back, before and after the commitment', async () => {
    const handlers = machine()
    const other = await connect(handlers)
    for (const wait of [true, false]) {
      const session = await connect(handlers)
      const begun = codeOf(begin(session, { n: 1024 }))
      if (wait) await begun
      session.close()
      await begun
      while ((await codeOf(begin(other))) === 'CHALLENGE_BUSY') await new Promise((go) => setTimeout(go, 5))
      await handlers.close()
    }
  })

  test('behavior: long openings come in pieces that belong together', async () => {
    const session = await connect(machine())
    const id = await begin(session)
    const rows = Array.from({ length: 256 }, (_, i) => 2 * i)
    const first = await reveal(session, id, { rows })
    expect(first.body.length).toBe(256 * 1024)
    const size = (first.result as { size: number }).size
    const second = await reveal(session, id, { rows, offset: first.body.length })
    const third = await reveal(session, id, { rows, offset: first.body.length + second.body.length })
    expect(first.body.length + second.body.length + third.body.length).toBe(size)
  })

  test('error: ChallengeBusyError', async () => {
    const session = await connect(machine())
    const other = await connect(machine())
    const running = begin(session)
    expect(await codeOf(begin(session))).toBe('CHALLENGE_BUSY')
    await running
    expect(await codeOf(begin(session))).toBe('CHALLENGE_BUSY')
    expect(await codeOf(begin(other))).toBe('no error')
  })

  test('error: ChallengeUnknownError, also for another session that knows the id', async () => {
    const handlers = machine()
    const session = await connect(handlers)
    const id = await begin(session)
    const thief = await connect(handlers)
    expect(await codeOf(reveal(thief, id))).toBe('CHALLENGE_UNKNOWN')
    expect(await codeOf(reveal(session, 'other'))).toBe('CHALLENGE_UNKNOWN')
    expect(await codeOf(reveal(session, id))).toBe('no error')
  })

  test('error: ChallengeRevealedError, so that no second r or row can be had', async () => {
    const session = await connect(machine())
    const id = await begin(session)
    const rows = Array.from({ length: 256 }, (_, i) => i)
    await reveal(session, id, { rows })
    expect(await codeOf(reveal(session, id, { rows, r: hash(3) }))).toBe('CHALLENGE_REVEALED')
    expect(await codeOf(reveal(session, id, { rows: [...rows].reverse() }))).toBe('CHALLENGE_REVEALED')
  })

  test('error: ChallengeTooLargeError', async () => {
    const memoryBytes = 8 * 1024 * 1024
    const session = await connect(machine({ memoryBytes }))
    const refused = begin(session, { n: 1024 })
    await expect(refused).rejects.toThrow(
      `The challenge's size is 1024; this machine has memory for ${mostRows(memoryBytes, 2)}.`,
    )
  })

  test('error: ChallengeUnsupportedError', async () => {
    const session = await connect(machine())
    expect(await codeOf(begin(session, { device: 'gpu' }))).toBe('CHALLENGE_UNSUPPORTED')
  })

  test('error: ChallengeRefusedError', async () => {
    const session = await connect(machine({ refuse: () => 'another lease is running' }))
    await expect(begin(session)).rejects.toThrow(
      'This machine takes no challenge now: another lease is running.',
    )
  })

  test('error: ChallengeTimeoutError frees the machine', async () => {
    const session = await connect(machine({ timeoutMs: 1 }))
    expect(await codeOf(begin(session, { n: 2048 }))).toBe('CHALLENGE_TIMEOUT')
    expect(await codeOf(begin(session, { n: 2048 }))).toBe('CHALLENGE_TIMEOUT')
  })

  test('error: InvalidInputError', async () => {
    const session = await connect(machine())
    for (const params of [
      { n: 448 },
      { n: 500 },
      { n: 65_600 },
      { n: '512' },
      { seed: '0x01' },
      { device: 'tpu' },
    ]) {
      expect(await codeOf(begin(session, params))).toBe('INVALID_INPUT')
    }
    const id = await begin(session)
    for (const params of [
      { r: '0x' },
      { rows: [] },
      { rows: [512] },
      { rows: [1, 1] },
      { rows: [-1] },
      { offset: 0.5 },
    ]) {
      expect(await codeOf(reveal(session, id, params))).toBe('INVALID_INPUT')
    }
  })

  test('behavior: closing ends a product that is being computed', async () => {
    const handlers = machine()
    const session = await connect(handlers)
    const running = codeOf(begin(session, { n: 4096 }))
    // The request is under way when a second one is refused.
    while ((await codeOf(begin(session))) !== 'CHALLENGE_BUSY');
    await handlers.close()
    expect(await running).toBe('CHALLENGE_REFUSED')
  })
})
