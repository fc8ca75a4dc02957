import { type Hash, zeroHash } from 'viem'
import { RegistryRefusedError } from '../errors/reputation.ts'
import { RevertError } from '../errors/transaction.ts'
import { reputationRegistryAbi } from '../generated/reputationRegistry.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { AgentRegistries } from './registries.ts'

/** What `giveAgentFeedback` takes. */
export interface GiveAgentFeedbackParameters {
  readonly registries: Pick<AgentRegistries, 'reputation'>
  readonly agentId: bigint
  /** `value × 10^-decimals`; what it means, its tag says. */
  readonly value: bigint
  /** At most 18. Default 0. */
  readonly decimals?: number
  readonly tag: string
  /** Default none. */
  readonly tag2?: string
  /** What was used, such as the URL that was called. Default none. */
  readonly endpoint?: string
  /** Where more is written, and keccak256 of it. Default none. */
  readonly file?: { readonly uri: string; readonly hash: Hash }
  readonly overrides?: TransactionOverrides
}

/**
 * Says what an agent was worth, under the sender's name: as whoever paid it, for what others say counts for nothing here.
 *
 * @param client A viem client with the payer's account.
 * @param parameters Registries, the agent, the value and its tag.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RegistryRefusedError in the registry's words, RevertError for an agent that is not there, GasMoneyError, ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-8004
 * @example
 * const hash = await giveAgentFeedback(client, { registries, agentId: 7n, value: 95n, tag: 'starred' })
 */
export async function giveAgentFeedback(
  client: WriteClient,
  parameters: GiveAgentFeedbackParameters,
): Promise<Hash> {
  const {
    registries,
    agentId,
    value,
    decimals = 0,
    tag,
    tag2 = '',
    endpoint = '',
    file,
    overrides,
  } = parameters
  try {
    return await write(client, {
      address: registries.reputation,
      abi: reputationRegistryAbi,
      functionName: 'giveFeedback',
      args: [agentId, value, decimals, tag, tag2, endpoint, file?.uri ?? '', file?.hash ?? zeroHash],
      overrides,
    })
  } catch (cause) {
    if (!(cause instanceof RevertError) || cause.revert.name !== 'Error') throw cause
    const reason = String(cause.revert.args.message)
    throw new RegistryRefusedError({ registry: registries.reputation, reason, cause })
  }
}
