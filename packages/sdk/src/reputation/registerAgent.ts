import { type Hash, isAddressEqual, parseEventLogs, type TransactionReceipt, zeroAddress } from 'viem'
import { identityRegistryAbi } from '../generated/identityRegistry.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { AgentRegistries } from './registries.ts'

/** What `registerAgent` takes. */
export interface RegisterAgentParameters {
  readonly registries: Pick<AgentRegistries, 'identity'>
  /** Where the agent's registration file stands. */
  readonly uri: string
  readonly overrides?: TransactionOverrides
}

/**
 * Registers the sender as an agent; its wallet is the sender until it is moved.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Registries, and the agent's registration file.
 * @returns The transaction's hash; `confirm` waits for it, and `readRegisteredAgent` finds the agent's id in its receipt.
 * @throws RevertError, GasMoneyError, ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-8004
 * @example
 * const hash = await registerAgent(client, { registries, uri: 'https://agent.example/card.json' })
 */
export function registerAgent(client: WriteClient, parameters: RegisterAgentParameters): Promise<Hash> {
  const { registries, uri, overrides } = parameters
  return write(client, {
    ...{ address: registries.identity, abi: identityRegistryAbi, functionName: 'register', args: [uri] },
    overrides,
  })
}

/**
 * Reads which agent a transaction registered.
 *
 * @param receipt Receipt of a `registerAgent` transaction.
 * @param registries Registries that it went to.
 * @returns The agent's id, `null` if it registered none.
 * @example
 * const agentId = readRegisteredAgent(await confirm(client, hash), registries)
 */
export function readRegisteredAgent(
  { logs }: Pick<TransactionReceipt, 'logs'>,
  { identity }: Pick<AgentRegistries, 'identity'>,
): bigint | null {
  const own = logs.filter(({ address }) => isAddressEqual(address, identity))
  const [made] = parseEventLogs({ abi: identityRegistryAbi, eventName: 'Transfer', logs: own }).filter(
    ({ args }) => args.from === zeroAddress,
  )
  return made?.args.tokenId ?? null
}
