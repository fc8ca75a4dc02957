import type { Address, Hash } from 'viem'
import type { Channel } from '../channels/channel.ts'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `releaseAgent` takes. */
export interface ReleaseAgentParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  /** Default none. */
  readonly channels?: readonly Channel[]
  /** Default none. */
  readonly leases?: readonly Hash[]
  readonly overrides?: TransactionOverrides
}

/**
 * Takes channels that were closed, and leases that were settled, out of what counts as exposed. Anyone may.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Wallet, agent, channels and leases.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await releaseAgent(client, { wallet, agent, channels })
 */
export function releaseAgent(client: WriteClient, parameters: ReleaseAgentParameters): Promise<Hash> {
  const { wallet, agent, channels = [], leases = [], overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'release',
    args: [wallet.account, agent, channels, leases],
    overrides,
  })
}
