import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AgentPolicy,
  type AgentWallet,
  addressSchema,
  agentPolicySchema,
  uintSchema,
} from '@millrace/sdk'
import type { Address } from 'viem'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import { UsageError } from '../errors/input.ts'
import type { HomePaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { toJson } from '../output/output.ts'
import { isWalletName } from '../wallets/wallets.ts'
import { AgentExistsError, AgentFileError, AgentForeignError, AgentMissingError } from './errors.ts'

const agentFileSchema = z.strictObject({
  chainId: z.int().positive(),
  account: addressSchema,
  agent: addressSchema,
  wallet: z.string().nullable(),
  nextRef: uintSchema(256),
  announced: agentPolicySchema.nullable(),
})

/** What this home knows of a wallet of agents. What the wallet may spend stands on chain. */
export interface AgentFile {
  readonly chainId: number
  readonly account: Address
  readonly agent: Address
  /** The wallet of this home that holds the agent's key, if one does. */
  readonly wallet: string | null
  /** Of the agent's next spending: written before the spending is sent, so that no two share one. */
  readonly nextRef: bigint
  /** A policy that was announced here, word for word as it must be applied. */
  readonly announced: AgentPolicy | null
}

const pathOf = ({ agents }: HomePaths, name: string) => join(agents, `${name}.json`)

/** The wallet as the SDK takes it. */
export const walletOf = ({ account }: AgentFile): AgentWallet => ({ account })

/**
 * Sees to it that a name can be given to a new wallet of agents.
 *
 * @throws UsageError, AgentExistsError
 */
export function refuseTakenAgent(paths: HomePaths, name: string): void {
  if (!isWalletName(name))
    throw new UsageError({
      message: `'${name}' is no name for an agent's wallet.`,
      remedy: 'Use letters, digits, dots, dashes and underscores, at most 64.',
    })
  const path = pathOf(paths, name)
  if (existsSync(path)) throw new AgentExistsError({ agent: name, path })
}

/**
 * Reads what this home knows of a wallet of agents.
 *
 * @throws AgentMissingError, AgentForeignError, AgentFileError
 */
export function readAgentFile({ paths, deployment }: Connection, name: string): AgentFile {
  const path = pathOf(paths, name)
  if (!isWalletName(name) || !existsSync(path)) {
    const files = existsSync(paths.agents) ? readdirSync(paths.agents) : []
    const known = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5))
    throw new AgentMissingError({ agent: name, known: known.sort() })
  }
  let file: AgentFile
  try {
    file = agentFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new AgentFileError({ path, reason: 'it is not what `millrace agent new` wrote', cause })
  }
  const { chainId } = file
  if (chainId !== deployment.chainId)
    throw new AgentForeignError({ agent: name, chainId, asked: deployment.chainId })
  return file
}

/** Writes what this home knows of a wallet of agents. */
export function writeAgentFile(paths: HomePaths, name: string, file: AgentFile): void {
  writeFileAtomic(pathOf(paths, name), `${toJson(file)}\n`)
}
