import { request } from 'node:http'
import { nodePaths } from '../config/nodePaths.ts'
import { NodeCommandError, NodeNotRunningError } from './errors.ts'
import type { NodeStatus } from './nodeStatus.ts'

export interface ControlClient {
  status(): Promise<NodeStatus>
  /** Take no new work; the node ends by itself once its leases are settled. Kept over restarts. */
  drain(): Promise<NodeStatus>
  /** Take new work again. */
  resume(): Promise<NodeStatus>
  /** End the node's process now; jobs go on, and a new start takes them up again. */
  stop(): Promise<NodeStatus>
}

/**
 * Talks to the node that runs in `home`. Every command throws `NodeNotRunningError` or `NodeCommandError`.
 *
 * @example
 * const { draining, leases } = await controlClient(home).drain()
 */
export function controlClient(home?: string): ControlClient {
  const path = nodePaths(home).control
  function send(method: 'GET' | 'POST', command: string): Promise<NodeStatus> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: path, method, path: command, timeout: 30_000 }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) return resolve(JSON.parse(text) as NodeStatus)
          const { error } = JSON.parse(text) as { error: { code: string; message: string } }
          reject(new NodeCommandError({ command, ...error }))
        })
      })
      call.on('timeout', () => call.destroy(new Error('timeout')))
      call.on('error', (cause) => reject(new NodeNotRunningError({ path, cause })))
      call.end()
    })
  }
  return {
    status: () => send('GET', '/status'),
    drain: () => send('POST', '/drain'),
    resume: () => send('POST', '/resume'),
    stop: () => send('POST', '/stop'),
  }
}
