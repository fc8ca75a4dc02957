import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { noApproval, type SpendApproval } from './spend.ts'

/** What `extendLeaseAsAgent` takes. */
export interface ExtendLeaseAsAgentParameters {
  readonly wallet: AgentWallet
  readonly lease: Hash
  /** Seconds to add. */
  readonly added: number
  readonly ref: bigint
  readonly approval?: SpendApproval
  readonly overrides?: TransactionOverrides
}

/**
 * Buys more seconds of a lease that the agent opened. The price counts as spent.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Wallet, lease, seconds to add, ref, and an approval where one is needed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await extendLeaseAsAgent(client, { wallet, lease, added: 600, ref: 5n })
 */
export function extendLeaseAsAgent(
  client: WriteClient,
  parameters: ExtendLeaseAsAgentParameters,
): Promise<Hash> {
  const { wallet, lease, added, ref, approval = noApproval, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'extendLease',
    args: [wallet.account, lease, added, ref, approval],
    overrides,
  })
}
