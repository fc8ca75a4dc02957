import type { Address, Hash } from 'viem'
import type { Channel } from '../channels/channel.ts'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `pauseAgent` and `unpauseAgent` take. */
export interface PauseAgentParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  /** Channels of the agent whose end is asked for in the same transaction. */
  readonly channels?: readonly Channel[]
  readonly overrides?: TransactionOverrides
}

/**
 * Stops an agent in every currency at once, and asks for the end of the channels given. As the owner or the guardian.
 *
 * @param client A viem client with the owner's or the guardian's account.
 * @param parameters Wallet, agent and channels.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await pauseAgent(client, { wallet, agent, channels })
 */
export function pauseAgent(client: WriteClient, parameters: PauseAgentParameters): Promise<Hash> {
  const { wallet, agent, channels = [], overrides } = parameters
  const call = { address: hubOf(wallet), abi: agentsAbi, overrides }
  return channels.length === 0
    ? write(client, { ...call, functionName: 'pause', args: [wallet.account, agent] })
    : write(client, { ...call, functionName: 'pauseAndClose', args: [wallet.account, agent, channels] })
}

/**
 * Lets an agent spend again within its policies. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet and agent.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await unpauseAgent(client, { wallet, agent })
 */
export function unpauseAgent(
  client: WriteClient,
  parameters: Omit<PauseAgentParameters, 'channels'>,
): Promise<Hash> {
  const { wallet, agent, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'unpause',
    args: [wallet.account, agent],
    overrides,
  })
}
