import type { Address } from 'viem'
import { reputationRegistryAbi } from '../generated/reputationRegistry.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { AgentRegistries } from './registries.ts'

/** What one client said of an agent, once. */
export interface AgentFeedback {
  readonly client: Address
  /** Of this client's, from 1. */
  readonly index: bigint
  /** `value × 10^-decimals`. */
  readonly value: bigint
  readonly decimals: number
  readonly tag: string
  readonly tag2: string
  readonly isRevoked: boolean
}

/** Most entries of one client that are read: the latest. */
const most = 20n

/**
 * Reads what given clients said of an agent. There is no list of all: anyone can fill the registry with clients that never were, so ask for those
 * that paid (`readPaidVolumes`).
 *
 * @param client A viem client of the chain.
 * @param parameters Registries, the agent, and whose feedback to read.
 * @returns The latest 20 entries of each, in the order of the clients.
 * @throws ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-8004
 * @example
 * const feedback = await getAgentFeedback(client, { registries, agentId: 7n, clients: [owner, operator] })
 */
export async function getAgentFeedback(
  client: ReadClient,
  parameters: {
    readonly registries: Pick<AgentRegistries, 'reputation'>
    readonly agentId: bigint
    readonly clients: readonly Address[]
  },
): Promise<readonly AgentFeedback[]> {
  const { registries, agentId, clients } = parameters
  const call = { address: registries.reputation, abi: reputationRegistryAbi } as const
  const of = async (who: Address): Promise<readonly AgentFeedback[]> => {
    const last = await read(client, { ...call, functionName: 'getLastIndex', args: [agentId, who] })
    const first = last > most ? last - most + 1n : 1n
    const indices = Array.from({ length: Number(last - first + 1n) }, (_, index) => first + BigInt(index))
    return Promise.all(
      indices.map(async (index) => {
        const [value, decimals, tag, tag2, isRevoked] = await read(client, {
          ...{ ...call, functionName: 'readFeedback', args: [agentId, who, index] },
        })
        return { client: who, index, value, decimals, tag, tag2, isRevoked }
      }),
    )
  }
  return (await Promise.all(clients.map(of))).flat()
}
