import { type AddressInfo, createServer } from 'node:net'

/** Whether a port of 127.0.0.1 can be listened on; 0 gives any free one. `null` if it is taken. */
export function freePort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const chosen = (server.address() as AddressInfo).port
      server.close(() => resolve(chosen))
    })
  })
}

/** The preferred port if it is free, else any free one. */
export async function preferPort(port: number): Promise<number> {
  return (await freePort(port)) ?? (await freePort(0)) ?? port
}
