import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `stopAgentLease` takes. */
export interface StopAgentLeaseParameters {
  readonly wallet: AgentWallet
  readonly lease: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Ends a lease that an agent opened. As that agent, paused or not, as the owner or as the guardian.
 *
 * @param client A viem client with the agent's, the owner's or the guardian's account.
 * @param parameters Wallet and lease.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await stopAgentLease(client, { wallet, lease })
 */
export function stopAgentLease(client: WriteClient, parameters: StopAgentLeaseParameters): Promise<Hash> {
  const { wallet, lease, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'stopLease',
    args: [wallet.account, lease],
    overrides,
  })
}
