import { mkdir, readFile } from 'node:fs/promises'
import { stringify } from 'smol-toml'
import type { Address, Hex } from 'viem'
import { loadDeviceKey } from '../keys/deviceKey.ts'
import { createOperatorKey } from '../keys/operatorKey.ts'
import { readSecret, writeSecret } from '../keys/secretFile.ts'
import { loadSessionKey } from '../keys/sessionKey.ts'
import { ConfigExistsError } from './errors.ts'
import { parseConfig } from './loadConfig.ts'
import type { NodeConfigInput } from './nodeConfig.ts'
import { nodePaths } from './nodePaths.ts'

export interface InitNodeOptions {
  /** Home of Millrace; MILLRACE_HOME or `~/.millrace` if absent. */
  readonly home?: string
  /** Settings that differ from the defaults; `network.chainId` and `network.rpc` are needed. */
  readonly config: NodeConfigInput
  /** An existing operator key to take over; a new one if absent. */
  readonly operatorKey?: Hex
  /** Encrypts the operator key. Absent only for local networks: then one is drawn and kept beside the keystore. */
  readonly passphrase?: string
  /** Cost of scrypt, a power of two; 2^17 if absent. */
  readonly scryptCost?: number
}

export interface InitNodeResult {
  /** Path of the configuration file. */
  readonly config: string
  readonly operator: Address
  readonly device: Address
}

/**
 * Sets a node up: writes its configuration and makes its keys. Throws `ConfigExistsError` if that was done before, and
 * `ConfigInvalidError`.
 *
 * @example
 * await initNode({ config: { network: { chainId: 31337, rpc: 'http://127.0.0.1:8545' } } })
 */
export async function initNode(options: InitNodeOptions): Promise<InitNodeResult> {
  const paths = nodePaths(options.home)
  const text = `# Settings of this machine's node. Every setting: docs/guides/node.md\n\n${stringify(snakeKeys(options.config))}\n`
  parseConfig(text, paths.config)
  await mkdir(paths.root, { recursive: true, mode: 0o700 })
  if (await exists(paths.config)) throw new ConfigExistsError({ path: paths.config })
  const device = await loadDeviceKey(paths.deviceKey)
  await loadSessionKey(paths.sessionKey)
  if ((await readSecret(paths.operatorKey)) !== null) throw new ConfigExistsError({ path: paths.operatorKey })
  const operator = await createOperatorKey({
    paths,
    ...(options.operatorKey === undefined ? {} : { privateKey: options.operatorKey }),
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    ...(options.scryptCost === undefined ? {} : { cost: options.scryptCost }),
  })
  // Last: with it the home counts as set up.
  await writeSecret(paths.config, text)
  return { config: paths.config, operator: operator.address, device: device.address }
}

async function exists(path: string): Promise<boolean> {
  try {
    await readFile(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function snakeKeys(value: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [
        key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        Array.isArray(item)
          ? item.map((entry) => (typeof entry === 'object' && entry !== null ? snakeKeys(entry) : entry))
          : typeof item === 'object' && item !== null
            ? snakeKeys(item)
            : item,
      ]),
  )
}
