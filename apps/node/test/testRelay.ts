import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import {
  decodeFrame,
  encodeFrame,
  type PublishedOfferJson,
  publishedOfferSchema,
  relayClose,
  relayHelloSchema,
  verifyRelayHello,
} from '@millrace/sdk'
import type { Hex } from 'viem'
import { type WebSocket, WebSocketServer } from 'ws'

/**
 * The least of a gateway (§3 and §5 of the protocol): takes offers and forwards frames, in this process, so that a test
 * can cut, stall and restart it at an exact moment. It is a second implementation of the relay beside `apps/gateway`.
 */
export interface TestRelay {
  readonly url: string
  readonly port: number
  /** Offers by id as they came, withdrawn ones removed. */
  readonly offers: Map<string, PublishedOfferJson>
  /** Ids of all that were withdrawn. */
  readonly withdrawn: string[]
  /** How often a device was taken. */
  readonly welcomes: number
  /** Cuts every connection, without a word. */
  cut(): void
  close(): Promise<void>
}

export async function startTestRelay(options: { chainId: number; port?: number }): Promise<TestRelay> {
  const offers = new Map<string, PublishedOfferJson>()
  const withdrawn: string[] = []
  const devices = new Map<string, WebSocket>()
  const sessions = new Map<Hex, { buyer: WebSocket; device: WebSocket }>()
  let welcomes = 0

  const server: Server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const reply = (body: unknown) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      const withdrawal = /^\/v1\/offers\/(0x[0-9a-f]{64})\/withdraw$/.exec(request.url ?? '')
      if (withdrawal?.[1] !== undefined) {
        offers.delete(withdrawal[1])
        withdrawn.push(withdrawal[1])
        return reply({})
      }
      const { offers: published } = JSON.parse(text) as { offers: PublishedOfferJson[] }
      const accepted = published.map((offer) => {
        publishedOfferSchema.parse(offer)
        offers.set(offer.signature, offer)
        return `0x${'00'.repeat(32)}`
      })
      reply({ accepted, rejected: [] })
    })
  })
  const sockets = new WebSocketServer({ server, maxPayload: 2 * 1024 * 1024 })
  sockets.on('connection', (socket, request) => {
    const url = new URL(request.url ?? '/', 'http://relay')
    socket.on('error', () => undefined)
    if (url.pathname.endsWith('/device')) takeDevice(socket)
    else takeBuyer(socket, url.searchParams.get('device')?.toLowerCase() ?? '')
  })

  function takeDevice(socket: WebSocket): void {
    const nonce: Hex = `0x${randomBytes(32).toString('hex')}`
    socket.send(JSON.stringify({ type: 'challenge', nonce }))
    socket.on('message', (data: Buffer, binary) => {
      if (!binary) {
        const hello = relayHelloSchema.parse(JSON.parse(data.toString()))
        void verifyRelayHello(hello, { nonce, chainId: options.chainId, gateways: [url] }).then((device) => {
          devices.set(device.toLowerCase(), socket)
          welcomes++
          socket.send(JSON.stringify({ type: 'ready' }))
        })
        return
      }
      const frame = decodeFrame(new Uint8Array(data))
      const session = sessions.get(frame.session)
      if (session === undefined) return
      if (frame.kind === 'data') session.buyer.send(frame.payload)
      else session.buyer.close()
    })
    socket.on('close', () => {
      for (const { buyer, device } of sessions.values())
        if (device === socket) buyer.close(relayClose.deviceGone)
    })
  }

  function takeBuyer(buyer: WebSocket, address: string): void {
    const device = devices.get(address)
    if (device === undefined || device.readyState !== device.OPEN) {
      buyer.close(relayClose.noSuchDevice)
      return
    }
    const id: Hex = `0x${randomBytes(16).toString('hex')}`
    sessions.set(id, { buyer, device })
    device.send(encodeFrame({ session: id, kind: 'open', payload: new Uint8Array(0) }))
    buyer.on('message', (data: Buffer) => {
      device.send(encodeFrame({ session: id, kind: 'data', payload: new Uint8Array(data) }))
    })
    buyer.on('close', () => {
      sessions.delete(id)
      if (device.readyState === device.OPEN) {
        device.send(encodeFrame({ session: id, kind: 'close', payload: new Uint8Array(0) }))
      }
    })
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    offers,
    withdrawn,
    get welcomes() {
      return welcomes
    },
    cut() {
      for (const socket of sockets.clients) socket.terminate()
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
