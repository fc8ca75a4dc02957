import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { addressSchema } from '@millrace/sdk'
import { z } from 'zod'
import { entryCommand } from '../processes/entryCommand.ts'
import { NodeRefusedError } from './errors.ts'

const resultSchema = z.object({ config: z.string(), operator: addressSchema, device: addressSchema })
const failureSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string().optional() }),
})

export interface InitNodeOptions {
  readonly home: string
  /** Settings in the form of the node's configuration file, keys in camel case. */
  readonly config: Readonly<Record<string, unknown>>
  /** An existing key of the operator; a new one if absent. */
  readonly operatorKey?: string
  /** Encrypts the operator's key; absent on a local network only. */
  readonly passphrase?: string
}

/**
 * Sets this machine up as a node, in a process of the node's own: it writes the settings and makes the keys.
 *
 * @throws NodeRefusedError with the node's own reason.
 */
export async function initNode(options: InitNodeOptions): Promise<z.output<typeof resultSchema>> {
  const { command, args } = entryCommand('@millrace/node', 'init.process')
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(options))
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  let answer: unknown
  try {
    answer = JSON.parse(output)
  } catch {
    throw new NodeRefusedError({
      code: 'NODE_INIT',
      message: `The node was not set up: ${complaint.trim().slice(-500)}`,
    })
  }
  const failure = failureSchema.safeParse(answer)
  if (failure.success) throw new NodeRefusedError(failure.data.error)
  return resultSchema.parse(answer)
}
