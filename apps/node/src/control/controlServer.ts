import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { NodeRunningError } from './errors.ts'
import type { NodeStatus } from './nodeStatus.ts'

export interface ControlActions {
  status(): NodeStatus | Promise<NodeStatus>
  drain(): Promise<void>
  resume(): Promise<void>
  /** Ends the node; jobs go on under their supervisors. */
  stop(): void
}

/**
 * Answers the operator's commands on a Unix socket that only its owner may open. Throws `NodeRunningError` if another node
 * answers there. A socket left by a killed node is replaced.
 */
export async function startControl(
  path: string,
  actions: ControlActions,
): Promise<{ close(): Promise<void> }> {
  if (await answers(path)) throw new NodeRunningError({ path })
  await rm(path, { force: true })
  const server = createServer((request, response) => {
    void (async () => {
      const command = `${request.method} ${request.url}`
      const reply = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      try {
        switch (command) {
          case 'GET /status':
            return reply(200, await actions.status())
          case 'POST /drain':
            await actions.drain()
            return reply(200, await actions.status())
          case 'POST /resume':
            await actions.resume()
            return reply(200, await actions.status())
          case 'POST /stop':
            reply(200, await actions.status())
            return actions.stop()
          default:
            return reply(404, {
              error: { code: 'COMMAND_UNKNOWN', message: `There is no command "${command}".` },
            })
        }
      } catch (error) {
        const { code, message } = error as { code?: string; message?: string }
        reply(500, { error: { code: code ?? 'INTERNAL', message: message ?? 'failed' } })
      }
    })()
  })
  // The folder is closed to others already; the mode of the socket is the second lock.
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(before)
  }
  await chmod(path, 0o600)
  return {
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(path, { force: true })
    },
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
