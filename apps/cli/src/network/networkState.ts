import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { NetworkPaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { type ProcessIdentity, processIdentitySchema } from '../processes/processIdentity.ts'

const networkStateSchema = z.object({
  chainId: z.number().int().positive(),
  chainPort: z.number().int().positive(),
  gatewayPort: z.number().int().positive(),
  phase: z.enum(['starting', 'ready', 'failed', 'stopped']),
  error: z.string().optional(),
  /** Who wrote this: what a killed supervisor wrote says nothing of the next one. */
  supervisor: processIdentitySchema.optional(),
  /** Which parts run beside the chain. */
  services: z.array(z.enum(['chain', 'gateway', 'node'])),
  /** Milliseconds from the start of `up` to ready. */
  readyMs: z.number().optional(),
})

/** What the local network remembers between runs, and what `status` reads. */
export type NetworkState = z.infer<typeof networkStateSchema>

/** The network's state, or `null` if it was never brought up here. */
export function readNetworkState(paths: NetworkPaths): NetworkState | null {
  try {
    return networkStateSchema.parse(JSON.parse(readFileSync(paths.state, 'utf8')))
  } catch {
    return null
  }
}

export const writeNetworkState = (paths: NetworkPaths, state: NetworkState): void =>
  writeFileAtomic(paths.state, `${JSON.stringify(state, null, 2)}\n`)

export const chainUrl = (state: NetworkState): string => `http://127.0.0.1:${state.chainPort}`
export const gatewayUrl = (state: NetworkState): string => `http://127.0.0.1:${state.gatewayPort}`

/** Whether the network is ready under this very supervisor. */
export const isReadyUnder = (state: NetworkState | null, supervisor: ProcessIdentity | null): boolean =>
  state?.phase === 'ready' &&
  supervisor !== null &&
  state.supervisor?.pid === supervisor.pid &&
  state.supervisor.started === supervisor.started
