import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `cancelAgentRef` takes. */
export interface CancelAgentRefParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly ref: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Uses up a ref of an agent, so that what was approved with it is void. As the owner or the guardian.
 *
 * @param client A viem client with the owner's or the guardian's account.
 * @param parameters Wallet, agent and ref.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await cancelAgentRef(client, { wallet, agent, ref: spend.ref })
 */
export function cancelAgentRef(client: WriteClient, parameters: CancelAgentRefParameters): Promise<Hash> {
  const { wallet, agent, ref, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'cancelRef',
    args: [wallet.account, agent, ref],
    overrides,
  })
}
