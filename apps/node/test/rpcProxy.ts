import { createServer, request } from 'node:http'

/** A way to a chain that can be stalled: requests are taken and not answered until `resume`. */
export interface RpcProxy {
  readonly url: string
  stall(): void
  resume(): void
  close(): Promise<void>
}

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  let stalled = false
  const server = createServer((incoming, outgoing) => {
    const body: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => body.push(chunk))
    incoming.on('end', () => {
      // What comes while it stalls is never answered, as behind a hung load balancer.
      if (stalled) return
      const forward = request(
        target,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' })
          answer.pipe(outgoing)
        },
      )
      forward.on('error', () => outgoing.destroy())
      forward.end(Buffer.concat(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    stall() {
      stalled = true
    },
    resume() {
      stalled = false
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
