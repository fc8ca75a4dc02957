import { request } from 'node:http'
import { z } from 'zod'
import { NodeDownError, NodeRefusedError } from './errors.ts'
import { nodeFiles } from './nodeFiles.ts'

const amount = z.string().regex(/^\d+$/)

const nodeStatusSchema = z.looseObject({
  pid: z.number(),
  startedAt: z.number(),
  chainId: z.number(),
  asset: z.string(),
  device: z.string(),
  operator: z.string(),
  draining: z.boolean(),
  refusal: z.string().nullable(),
  slots: z.number(),
  offers: z.number(),
  gateways: z.array(z.looseObject({ url: z.string(), connected: z.boolean() })),
  gas: z.looseObject({ balance: amount, reserve: amount }).nullable(),
  leases: z.array(
    z.looseObject({
      lease: z.string(),
      slot: z.number(),
      buyer: z.string(),
      state: z.string(),
      startedAt: z.number().nullable(),
      endsAt: z.number().nullable(),
      settled: z.boolean(),
    }),
  ),
})

/** What the node says of itself; times in Unix seconds. */
export type NodeStatus = z.infer<typeof nodeStatusSchema>

/**
 * Gives a command to the node of `home` on its Unix socket.
 *
 * @throws NodeDownError, NodeRefusedError
 */
export function commandNode(
  home: string,
  command: 'status' | 'drain' | 'resume' | 'stop',
  timeout = 30_000,
): Promise<NodeStatus> {
  const method = command === 'status' ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: nodeFiles(home).control, method, path: `/${command}`, timeout },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', (cause) => reject(new NodeDownError({ home, cause })))
        response.on('end', () => {
          try {
            const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
            if (response.statusCode === 200) return resolve(nodeStatusSchema.parse(body))
            const { error } = z
              .object({ error: z.object({ code: z.string(), message: z.string() }) })
              .parse(body)
            reject(new NodeRefusedError(error))
          } catch (cause) {
            reject(new NodeDownError({ home, cause }))
          }
        })
      },
    )
    call.on('timeout', () => call.destroy(new Error('no answer')))
    call.on('error', (cause) => reject(new NodeDownError({ home, cause })))
    call.end()
  })
}
