import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  createInbox,
  decodeFrame,
  encodeFrame,
  type Frame,
  frameOverhead,
  maxMessageBytes,
  RelayGatewayError,
  relayClose,
  relayHelloSchema,
  type Transport,
  verifyRelayHello,
} from '@millrace/sdk'
import type { Address, Hash, Hex } from 'viem'
import { bytesToHex } from 'viem'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { type Connection, createConnection } from './Connection.ts'
import { closeCodes, defaultRelayLimits, type RelayLimits } from './limits.ts'

/** What a relay is made with. */
export interface RelayOptions {
  readonly chainId: number
  /** Under which addresses devices dial this gateway, as `relayAddress` writes them. */
  readonly addresses: () => readonly string[]
  readonly limits?: Partial<RelayLimits>
  /** Told of what happens, by name and ids. */
  readonly onEvent?: (event: RelayEvent) => void
}

/** Something that happened at the relay. */
export type RelayEvent =
  | { readonly type: 'device.connected' | 'device.replaced'; readonly device: Address }
  | { readonly type: 'device.gone'; readonly device: Address; readonly code: number }
  | { readonly type: 'session.opened'; readonly device: Address; readonly session: Hex }
  | {
      readonly type: 'session.closed'
      readonly device: Address
      readonly session: Hex
      readonly code: number
    }
  | { readonly type: 'refused'; readonly code: number; readonly reason: string }

/** How much the relay carries. */
export interface RelayStats {
  readonly devices: number
  readonly sessions: number
  /** Bytes forwarded since the start. */
  readonly bytesToDevices: number
  readonly bytesToBuyers: number
}

/** Forwards sealed messages between buyers and devices that dialled in. It holds no key and reads nothing. */
export interface Relay {
  /** Takes over a connection that asked to become a WebSocket under `/v1/relay/`; `client` is who it counts for. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: string): void
  stats(): RelayStats
  /** Whether a device is connected here. */
  has(device: Address): boolean
  /** Devices connected at or before `time` (milliseconds, as of `Date.now`) and ever since, in lower case. */
  connectedSince(time: number): readonly string[]
  /** A session of the gateway's own with a device, as a buyer would have it; `undefined` where it has no room or is not here. */
  dial(device: Address): Transport | undefined
  /** Closes every connection. */
  close(): Promise<void>
}

interface Device {
  readonly address: Address
  readonly connection: Connection
  readonly sessions: Map<Hex, Session>
  readonly since: number
}

interface Session {
  readonly id: Hex
  /** The buyer's end. */
  readonly connection: Pick<Connection, 'send' | 'close'>
  readonly device: Device
  /** Who the session counts for; `undefined` for the gateway's own. */
  readonly client: string | undefined
  activeAt: number
}

/** Slack above the limit, so that a message over it is answered with its code instead of a bare protocol error. */
const SLACK = 64 * 1024

/** Creates a relay; connections reach it through `upgrade`. */
export function createRelay(options: RelayOptions): Relay {
  const limits = { ...defaultRelayLimits, ...options.limits }
  const { chainId, onEvent = () => {} } = options
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes + frameOverhead + SLACK,
  })
  /** By address in lower case. */
  const devices = new Map<string, Device>()
  const connections = new Map<Connection, string>()
  const perClient = new Map<string, number>()
  let bytesToDevices = 0
  let bytesToBuyers = 0
  let sessionCount = 0
  let closed = false

  const pulse = setInterval(() => {
    const now = Date.now()
    for (const connection of connections.keys()) connection.check()
    for (const device of devices.values()) {
      for (const session of device.sessions.values()) {
        if (now - session.activeAt > limits.idleMs) session.connection.close(closeCodes.tooSlow, 'idle')
      }
    }
  }, limits.pingMs)

  function adopt(
    socket: WebSocket,
    { client, isDevice }: { readonly client: string; readonly isDevice: boolean },
  ): Connection | undefined {
    const connection = createConnection(socket, {
      bufferBytes: limits.bufferBytes,
      leastPerCheck: (limits.leastBytesPerSecond * limits.pingMs) / 1000,
      // A slow device holds only its own buyers; a slow buyer holds the device, and with it everyone else's sessions.
      holdMs: isDevice ? undefined : limits.backlogMs,
      onSlow: () => connection.close(closeCodes.tooSlow, 'too slow'),
    })
    const own = (perClient.get(client) ?? 0) + 1
    if (closed || own > limits.connectionsPerClient) {
      const code = closed ? closeCodes.goingAway : closeCodes.tooManyConnections
      refuse(connection, code, closed ? 'gateway closes' : 'too many connections')
      return undefined
    }
    connections.set(connection, client)
    perClient.set(client, own)
    socket.once('close', () => {
      connections.delete(connection)
      const left = (perClient.get(client) ?? 1) - 1
      if (left === 0) perClient.delete(client)
      else perClient.set(client, left)
    })
    return connection
  }

  function refuse(connection: Connection, code: number, reason: string): void {
    onEvent({ type: 'refused', code, reason })
    connection.close(code, reason)
  }

  function greetDevice(connection: Connection): void {
    const { socket } = connection
    const nonce: Hash = bytesToHex(randomBytes(32))
    const deadline = setTimeout(
      () => refuse(connection, closeCodes.helloRefused, 'no hello in time'),
      limits.helloMs,
    )
    socket.once('close', () => clearTimeout(deadline))
    socket.once('message', (data, isBinary) => {
      clearTimeout(deadline)
      admitDevice(connection, nonce, isBinary ? '' : data.toString()).catch((error: unknown) => {
        const why = error instanceof RelayGatewayError ? 'hello is for another gateway' : 'hello is not valid'
        refuse(connection, closeCodes.helloRefused, why)
      })
    })
    socket.send(JSON.stringify({ type: 'challenge', nonce }))
  }

  async function admitDevice(connection: Connection, nonce: Hash, text: string): Promise<void> {
    const { socket } = connection
    const address = await verifyRelayHello(relayHelloSchema.parse(JSON.parse(text)), {
      nonce,
      chainId,
      gateways: options.addresses(),
    })
    if (socket.readyState !== socket.OPEN) return
    const key = address.toLowerCase()
    const before = devices.get(key)
    if (before === undefined && devices.size >= limits.devices) {
      refuse(connection, closeCodes.tooManyConnections, 'too many devices')
      return
    }
    const device: Device = { address, connection, sessions: new Map(), since: Date.now() }
    devices.set(key, device)
    if (before !== undefined) {
      onEvent({ type: 'device.replaced', device: address })
      dropSessions(before)
      before.connection.close(closeCodes.replaced, 'replaced by a new connection')
    }
    socket.on('message', (data, isBinary) => fromDevice(device, data, isBinary))
    socket.once('close', (code) => {
      if (devices.get(key) === device) devices.delete(key)
      dropSessions(device)
      onEvent({ type: 'device.gone', device: address, code })
    })
    onEvent({ type: 'device.connected', device: address })
    socket.send(JSON.stringify({ type: 'ready' }))
  }

  function dropSessions(device: Device): void {
    for (const session of [...device.sessions.values()]) {
      session.connection.close(relayClose.deviceGone, 'device gone')
      forget(session, relayClose.deviceGone)
    }
  }

  function fromDevice(device: Device, data: RawData, isBinary: boolean): void {
    let frame: Frame
    try {
      if (!isBinary) throw new TypeError('text')
      frame = decodeFrame(toBytes(data))
    } catch {
      device.connection.close(isBinary ? relayClose.messageTooLarge : closeCodes.notBinary, 'no frame')
      return
    }
    const session = device.sessions.get(frame.session)
    if (session === undefined) {
      // The buyer went meanwhile; the device may not have heard yet.
      return
    }
    session.activeAt = Date.now()
    switch (frame.kind) {
      case 'data':
        bytesToBuyers += frame.payload.length
        session.connection.send(frame.payload, device.connection)
        return
      case 'close':
        forget(session, 1000)
        session.connection.close(1000, 'closed by the device')
        return
      case 'open':
        // Only buyers open sessions.
        return
      default:
        frame.kind satisfies never
    }
  }

  function addSession(connection: Session['connection'], device: Device, client?: string): Session {
    const id = bytesToHex(randomBytes(16))
    const session: Session = { id, connection, device, client, activeAt: Date.now() }
    device.sessions.set(id, session)
    sessionCount++
    onEvent({ type: 'session.opened', device: device.address, session: id })
    device.connection.send(encodeFrame({ session: id, kind: 'open', payload: new Uint8Array() }))
    return session
  }

  /** The buyer left. */
  function leave(session: Session, code: number): void {
    if (!forget(session, code)) return
    const { id, device } = session
    device.connection.send(encodeFrame({ session: id, kind: 'close', payload: new Uint8Array() }))
  }

  function openSession(connection: Connection, device: Device): void {
    const session = addSession(connection, device, connections.get(connection))
    connection.socket.on('message', (data, isBinary) => fromBuyer({ session, connection }, data, isBinary))
    connection.socket.once('close', (code) => leave(session, code))
  }

  function fromBuyer(
    { session, connection }: { readonly session: Session; readonly connection: Connection },
    data: RawData,
    isBinary: boolean,
  ): void {
    const { device } = session
    if (!device.sessions.has(session.id)) return
    if (!isBinary) {
      connection.close(closeCodes.notBinary, 'binary messages only')
      return
    }
    const payload = toBytes(data)
    if (payload.length > maxMessageBytes) {
      connection.close(relayClose.messageTooLarge, `over ${maxMessageBytes} bytes`)
      return
    }
    session.activeAt = Date.now()
    bytesToDevices += payload.length
    device.connection.send(encodeFrame({ session: session.id, kind: 'data', payload }), connection)
  }

  /** Takes a session off its device; false if it was off already. */
  function forget(session: Session, code: number): boolean {
    if (!session.device.sessions.delete(session.id)) return false
    sessionCount--
    // The device may have been held back for this session.
    session.device.connection.socket.resume()
    onEvent({ type: 'session.closed', device: session.device.address, session: session.id, code })
    return true
  }

  function meetBuyer(connection: Connection, wanted: string): void {
    const device = devices.get(wanted.toLowerCase())
    if (device === undefined) refuse(connection, relayClose.noSuchDevice, 'no such device here')
    else if (device.sessions.size >= limits.sessionsPerDevice)
      refuse(connection, relayClose.tooManySessions, 'too many sessions')
    else if (sessionsOf(device, connections.get(connection)) >= limits.sessionsPerClient)
      refuse(connection, relayClose.tooManySessions, 'too many sessions of one client')
    else openSession(connection, device)
  }

  function sessionsOf(device: Device, client: string | undefined): number {
    let own = 0
    for (const session of device.sessions.values()) if (session.client === client) own++
    return own
  }

  return {
    upgrade(request, socket, head, client) {
      const url = new URL(request.url ?? '/', 'http://gateway')
      server.handleUpgrade(request, socket, head, (ws) => {
        const isDevice = url.pathname === '/v1/relay/device'
        const connection = adopt(ws, { client, isDevice })
        if (connection === undefined) return
        if (isDevice) greetDevice(connection)
        else meetBuyer(connection, url.searchParams.get('device') ?? '')
      })
    },
    stats: () => ({ devices: devices.size, sessions: sessionCount, bytesToDevices, bytesToBuyers }),
    has: (device) => devices.has(device.toLowerCase()),
    connectedSince: (time) =>
      [...devices].filter(([, { since }]) => since <= time).map(([address]) => address),
    dial(address) {
      const device = devices.get(address.toLowerCase())
      if (device === undefined || device.sessions.size >= limits.sessionsPerDevice) return undefined
      const inbox = createInbox()
      const session = addSession(
        {
          // The bytes belong to the device's socket, which may use them again.
          send: (bytes) => inbox.push(bytes.slice()),
          close: (code, reason) => inbox.end({ code, reason }),
        },
        device,
      )
      return {
        onMessage: inbox.onMessage,
        onClose: inbox.onClose,
        send(bytes) {
          if (!device.sessions.has(session.id)) return
          session.activeAt = Date.now()
          bytesToDevices += bytes.length
          device.connection.send(encodeFrame({ session: session.id, kind: 'data', payload: bytes }))
        },
        close(code = 1000, reason) {
          leave(session, code)
          inbox.end({ code, reason })
        },
      }
    },
    async close() {
      closed = true
      clearInterval(pulse)
      const gone = [...connections.keys()].map(
        (connection) => new Promise<void>((resolve) => connection.socket.once('close', () => resolve())),
      )
      for (const connection of connections.keys()) connection.close(closeCodes.goingAway, 'gateway closes')
      await Promise.all(gone)
      server.close()
    },
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
