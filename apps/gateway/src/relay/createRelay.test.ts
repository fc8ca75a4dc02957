import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeFrame, encodeFrame, relayAddress, relayClose, signRelayHello } from '@millrace/sdk'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../../test/eventually.ts'
import { createRelay, type RelayEvent } from './createRelay.ts'
import { closeCodes, type RelayLimits } from './limits.ts'

const CHAIN = 31337
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function serve(limits: Partial<RelayLimits> = {}) {
  const events: RelayEvent[] = []
  const relay = createRelay({
    chainId: CHAIN,
    addresses: () => [relayAddress(url)],
    limits,
    onEvent: (event) => events.push(event),
  })
  const server: Server = createServer()
  server.on('upgrade', (request, socket, head) =>
    relay.upgrade(
      request,
      socket,
      head,
      new URL(request.url ?? '/', 'http://relay').searchParams.get('client') ?? 'client',
    ),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  cleanups.push(async () => {
    await relay.close()
    await new Promise((resolve) => server.close(resolve))
  })
  return { relay, url, events }
}

/** A WebSocket with its messages and end as promises. */
function dial(url: string) {
  const socket = new WebSocket(url)
  const inbox: (string | Uint8Array)[] = []
  const readers: ((message: string | Uint8Array) => void)[] = []
  socket.on('error', () => {})
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? new Uint8Array(data as Buffer) : data.toString()
    const reader = readers.shift()
    if (reader === undefined) inbox.push(message)
    else reader(message)
  })
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)))
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()))
  cleanups.push(() => socket.terminate())
  const next = () =>
    new Promise<string | Uint8Array>((resolve) => {
      const message = inbox.shift()
      if (message === undefined) readers.push(resolve)
      else resolve(message)
    })
  return { socket, closed, opened, next, inbox }
}

async function connectDevice(url: string, account = privateKeyToAccount(generatePrivateKey())) {
  const dialled = dial(`${url}/v1/relay/device`)
  const { nonce } = JSON.parse(String(await dialled.next()))
  dialled.socket.send(JSON.stringify(await signRelayHello(account, { nonce, chainId: CHAIN, gateway: url })))
  expect(JSON.parse(String(await dialled.next()))).toEqual({ type: 'ready' })
  const frame = async () => decodeFrame((await dialled.next()) as Uint8Array)
  const send = (session: Hex, kind: 'data' | 'close', payload: Uint8Array = new Uint8Array()) =>
    dialled.socket.send(encodeFrame({ session, kind, payload }))
  return { ...dialled, account, frame, send }
}

const connectBuyer = (url: string, device: string) => dial(`${url}/v1/relay/session?device=${device}`)
const bytes = (text: string) => new TextEncoder().encode(text)

describe('createRelay', () => {
  test('default: messages go both ways, unchanged and in order, session by session', async () => {
    const { url, relay } = await serve()
    const device = await connectDevice(url)
    const [one, two] = [connectBuyer(url, device.account.address), connectBuyer(url, device.account.address)]
    const opened = [await device.frame(), await device.frame()]
    expect(opened.map(({ kind }) => kind)).toEqual(['open', 'open'])
    await Promise.all([one.opened, two.opened])
    for (let at = 0; at < 50; at++) one.socket.send(bytes(`a${at}`))
    const got = []
    for (let at = 0; at < 50; at++) got.push(await device.frame())
    expect(got.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(
      Array.from({ length: 50 }, (_, at) => `a${at}`),
    )
    const session = got[0]?.session as Hex
    device.send(session, 'data', bytes('answer'))
    expect(new TextDecoder().decode((await one.next()) as Uint8Array)).toBe('answer')
    expect(two.inbox).toEqual([])
    expect(relay.stats()).toMatchObject({ devices: 1, sessions: 2 })
    one.socket.close()
    expect(await device.frame()).toMatchObject({ session, kind: 'close' })
    const other = opened.find((frame) => frame.session !== session)?.session as Hex
    device.send(other, 'close')
    expect(await two.closed).toBe(1000)
    expect(relay.stats().sessions).toBe(0)
  })

  test('behavior: a buyer of a device that is not here, or goes, is told so', async () => {
    const { url } = await serve()
    const nobody = privateKeyToAccount(generatePrivateKey()).address
    expect(await connectBuyer(url, nobody).closed).toBe(relayClose.noSuchDevice)
    expect(await connectBuyer(url, 'x').closed).toBe(relayClose.noSuchDevice)
    const device = await connectDevice(url)
    const buyer = connectBuyer(url, device.account.address)
    await device.frame()
    device.socket.terminate()
    expect(await buyer.closed).toBe(relayClose.deviceGone)
  })

  test('behavior: a second connection of a device replaces the first', async () => {
    const { url, relay } = await serve()
    const first = await connectDevice(url)
    const buyer = connectBuyer(url, first.account.address)
    await first.frame()
    const second = await connectDevice(url, first.account)
    expect(await first.closed).toBe(closeCodes.replaced)
    expect(await buyer.closed).toBe(relayClose.deviceGone)
    connectBuyer(url, first.account.address)
    expect(await second.frame()).toMatchObject({ kind: 'open' })
    expect(relay.stats().devices).toBe(1)
  })

  test('behavior: a hello that is forged, for another nonce, chain or gateway, malformed or missing is refused', async () => {
    const { url, relay } = await serve({ helloMs: 200 })
    const account = privateKeyToAccount(generatePrivateKey())
    const victim = privateKeyToAccount(generatePrivateKey()).address
    const hellos = [
      async (nonce: Hex) => ({
        ...(await signRelayHello(account, { nonce, chainId: CHAIN, gateway: url })),
        device: victim,
      }),
      async () => signRelayHello(account, { nonce: `0x${'11'.repeat(32)}`, chainId: CHAIN, gateway: url }),
      async (nonce: Hex) => signRelayHello(account, { nonce, chainId: 1, gateway: url }),
      async (nonce: Hex) => ({
        ...(await signRelayHello(account, { nonce, chainId: 1, gateway: url })),
        chainId: CHAIN,
      }),
      // What a hostile gateway gets from a device of its own, for a challenge that it passed on.
      async (nonce: Hex) =>
        signRelayHello(account, { nonce, chainId: CHAIN, gateway: 'wss://hostile.example' }),
      async (nonce: Hex) => ({
        ...(await signRelayHello(account, { nonce, chainId: CHAIN, gateway: 'wss://hostile.example' })),
        gateway: relayAddress(url),
      }),
      async () => 'no hello',
    ]
    for (const hello of hellos) {
      const device = dial(`${url}/v1/relay/device`)
      const { nonce } = JSON.parse(String(await device.next()))
      device.socket.send(JSON.stringify(await hello(nonce)))
      expect(await device.closed).toBe(closeCodes.helloRefused)
    }
    expect(await dial(`${url}/v1/relay/device`).closed).toBe(closeCodes.helloRefused)
    expect(relay.stats().devices).toBe(0)
  })

  test('behavior: sessions, connections, message size and kind are limited, each with its code', async () => {
    const { url } = await serve({ sessionsPerDevice: 2, connectionsPerClient: 4 })
    const device = await connectDevice(url)
    const { address } = device.account
    const buyers = [connectBuyer(url, address), connectBuyer(url, address)]
    await Promise.all(buyers.map(({ opened }) => opened))
    await device.frame()
    await device.frame()
    expect(await connectBuyer(url, address).closed).toBe(relayClose.tooManySessions)
    const idle = dial(`${url}/v1/relay/device`)
    await idle.next()
    expect(await connectBuyer(url, address).closed).toBe(closeCodes.tooManyConnections)
    buyers[0]?.socket.send(new Uint8Array(1_048_577))
    expect(await buyers[0]?.closed).toBe(relayClose.messageTooLarge)
    buyers[1]?.socket.send('text')
    expect(await buyers[1]?.closed).toBe(closeCodes.notBinary)
    device.socket.send('text')
    expect(await device.closed).toBe(closeCodes.notBinary)
  })

  test('behavior: one client cannot take all the places of a device', async () => {
    const { url, relay } = await serve({ sessionsPerDevice: 4, sessionsPerClient: 2 })
    const [device, another] = [await connectDevice(url), await connectDevice(url)]
    const { address } = device.account
    const buyers = [connectBuyer(url, address), connectBuyer(url, address)]
    await Promise.all([device.frame(), device.frame()])
    expect(await connectBuyer(url, address).closed).toBe(relayClose.tooManySessions)
    connectBuyer(url, `${address}&client=other`)
    expect(await device.frame()).toMatchObject({ kind: 'open' })
    connectBuyer(url, another.account.address)
    expect(await another.frame()).toMatchObject({ kind: 'open' })
    buyers[0]?.socket.close()
    expect(await device.frame()).toMatchObject({ kind: 'close' })
    connectBuyer(url, address)
    expect(await device.frame()).toMatchObject({ kind: 'open' })
    expect(relay.stats().sessions).toBe(4)
  })

  test('behavior: a device that does not read holds its buyer back, and is let go', async () => {
    const { url, relay } = await serve({
      bufferBytes: 512 * 1024,
      pingMs: 150,
      leastBytesPerSecond: 1_000_000,
    })
    const device = await connectDevice(url)
    const buyer = connectBuyer(url, device.account.address)
    await device.frame()
    await buyer.opened
    device.socket.pause()
    const message = new Uint8Array(512 * 1024)
    for (let at = 0; at < 64; at++) buyer.socket.send(message)
    expect(await buyer.closed).toBe(relayClose.deviceGone)
    // Some went into the system's own buffers; most was never taken from the buyer.
    expect(relay.stats().bytesToDevices).toBeLessThan(48 * message.length)
    await eventually(() => expect(relay.stats()).toMatchObject({ devices: 0, sessions: 0 }))
  })

  test('behavior: a slow reader gets everything once it reads', async () => {
    const { url } = await serve({ bufferBytes: 256 * 1024 })
    const device = await connectDevice(url)
    const buyer = connectBuyer(url, device.account.address)
    const { session } = await device.frame()
    await buyer.opened
    buyer.socket.pause()
    const total = 48
    for (let at = 0; at < total; at++) device.send(session, 'data', new Uint8Array(512 * 1024).fill(at))
    await new Promise((resolve) => setTimeout(resolve, 300))
    buyer.socket.resume()
    for (let at = 0; at < total; at++) {
      const message = (await buyer.next()) as Uint8Array
      expect([message.length, message[0], message.at(-1)]).toEqual([512 * 1024, at, at])
    }
  })

  test('behavior: a buyer that does not read is closed, and its device goes on, pinged all the while', async () => {
    const { url, relay } = await serve({
      bufferBytes: 256 * 1024,
      backlogMs: 400,
      pingMs: 100,
      leastBytesPerSecond: 0,
    })
    const device = await connectDevice(url)
    let pings = 0
    const [stuck, other] = [
      connectBuyer(url, device.account.address),
      connectBuyer(url, device.account.address),
    ]
    const opened = [await device.frame(), await device.frame()]
    await Promise.all([stuck.opened, other.opened])
    // Which of the two sessions is whose: the other one says something.
    other.socket.send(bytes('here'))
    const theirs = (await device.frame()).session
    const session = opened.find((frame) => frame.session !== theirs)?.session as Hex
    stuck.socket.pause()
    // It talks on, so nothing but its backlog speaks against it.
    const talk = setInterval(() => stuck.socket.send(bytes('more')), 20)
    cleanups.push(() => clearInterval(talk))
    for (let at = 0; at < 48; at++) device.send(session, 'data', new Uint8Array(512 * 1024))
    device.send(theirs, 'data', bytes('after'))
    device.socket.on('ping', () => pings++)
    await eventually(() => expect(pings).toBeGreaterThan(2))
    expect(other.inbox).toEqual([])
    let last = await device.frame()
    while (last.kind === 'data') last = await device.frame()
    expect(last).toMatchObject({ session, kind: 'close' })
    expect(new TextDecoder().decode((await other.next()) as Uint8Array)).toBe('after')
    expect(relay.stats()).toMatchObject({ devices: 1, sessions: 1 })
  })

  test('behavior: idle sessions and dead connections are closed', async () => {
    const { url, relay } = await serve({ pingMs: 50, idleMs: 120 })
    const device = await connectDevice(url)
    const buyer = connectBuyer(url, device.account.address)
    expect(await buyer.closed).toBe(closeCodes.tooSlow)
    device.socket.pause()
    await eventually(() => expect(relay.stats().devices).toBe(0))
  })

  test('behavior: closing the relay closes everyone', async () => {
    const { url, relay } = await serve()
    const device = await connectDevice(url)
    const buyer = connectBuyer(url, device.account.address)
    await buyer.opened
    await relay.close()
    expect(await device.closed).toBe(closeCodes.goingAway)
    expect([closeCodes.goingAway, relayClose.deviceGone]).toContain(await buyer.closed)
  })

  test('behavior: connections dropped at random leave no session behind and mix no messages', async () => {
    const chosen = process.env.MILLRACE_DEEP === undefined ? 20_261_121 : Math.floor(Math.random() * 2 ** 31)
    const seed = Number(process.env.MILLRACE_SEED ?? chosen)
    process.stdout.write(`relay chaos: SEED=${seed}\n`)
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const { url, relay } = await serve({ sessionsPerClient: 64 })
    const accounts = Array.from({ length: 3 }, () => privateKeyToAccount(generatePrivateKey()))
    /** Devices answer every message with its own bytes behind their address. */
    const dialDevice = async (at: number) => {
      const account = accounts[at]
      if (account === undefined) throw new RangeError(String(at))
      const device = await connectDevice(url, account)
      device.socket.removeAllListeners('message')
      device.socket.on('message', (data) => {
        const { session, kind, payload } = decodeFrame(new Uint8Array(data as Buffer))
        if (kind === 'data' && device.socket.readyState === device.socket.OPEN)
          device.send(session, 'data', Buffer.concat([bytes(account.address), payload]))
      })
      return device
    }
    const devices = await Promise.all(accounts.map((_, at) => dialDevice(at)))
    let echoes = 0
    const wrong: string[] = []
    const live = new Set<WebSocket>()
    for (let step = 0; step < 600; step++) {
      const dice = random(100)
      const at = random(3)
      const address = accounts[at]?.address ?? ''
      if (dice < 25) {
        const { socket } = connectBuyer(url, address)
        const own = `session ${step}`
        const speak = () => socket.readyState === socket.OPEN && socket.send(bytes(own))
        live.add(socket)
        socket.once('close', () => live.delete(socket))
        socket.on('message', (data) => {
          if (data.toString() === address + own) echoes++
          else wrong.push(data.toString())
        })
        socket.once('open', () => {
          speak()
          setTimeout(speak, 5)
        })
      } else if (dice < 45) {
        const [first] = live
        if (dice < 35) first?.terminate()
        else first?.close()
      } else if (dice < 48) {
        devices[at]?.socket.terminate()
        devices[at] = await dialDevice(at)
      }
      if (step % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await eventually(() => expect(echoes).toBeGreaterThan(10))
    for (const socket of live) socket.terminate()
    await eventually(() => expect(relay.stats().sessions).toBe(0))
    expect(wrong).toEqual([])
    expect(relay.stats().devices).toBe(3)
  })
})
