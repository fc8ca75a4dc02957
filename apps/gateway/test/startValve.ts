import { connect, createServer, type Socket } from 'node:net'

/** A TCP way to a server that can be made to hang: connections stay open and nothing comes through. */
export interface Valve {
  readonly url: string
  shut(): void
  /** Breaks every connection, and every new one. */
  cut(): void
  open(): void
  stop(): Promise<void>
}

/** Starts a valve in front of `target`, a URL on this machine. */
export async function startValve(target: string): Promise<Valve> {
  const { port } = new URL(target)
  const sockets = new Set<Socket>()
  let closed = false
  let broken = false
  const server = createServer((incoming) => {
    if (broken) {
      incoming.destroy()
      return
    }
    const outgoing = connect(Number(port), '127.0.0.1')
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (!closed) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    shut: () => {
      closed = true
    },
    cut: () => {
      broken = true
      for (const socket of sockets) socket.destroy()
    },
    open: () => {
      closed = false
      broken = false
      for (const socket of sockets) socket.destroy()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
