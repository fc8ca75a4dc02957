import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nodeListener } from '@millrace/pay'

/** An HTTP server of an agent's own. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Serves a handler of web requests on a free port of this machine. */
export async function serve(handle: (request: Request) => Promise<Response>): Promise<Served> {
  const server = createServer(nodeListener(handle))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
