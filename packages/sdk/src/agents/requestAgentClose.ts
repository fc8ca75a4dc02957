import type { Address, Hash } from 'viem'
import type { Channel } from '../channels/channel.ts'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `requestAgentClose` takes. */
export interface RequestAgentCloseParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly channels: readonly Channel[]
  readonly overrides?: TransactionOverrides
}

/**
 * Asks for the end of channels of an agent that is paused; those that are not open, or were asked before, are passed over. Anyone
 * may. An agent that is not paused asks for the end of its own channels with `requestClose`, as their signer.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Wallet, agent and channels.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await requestAgentClose(client, { wallet, agent, channels })
 */
export function requestAgentClose(
  client: WriteClient,
  parameters: RequestAgentCloseParameters,
): Promise<Hash> {
  const { wallet, agent, channels, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'requestClose',
    args: [wallet.account, agent, channels],
    overrides,
  })
}
