import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type AgentSpend, type SpendKind, spendArgument, spendKinds } from './spend.ts'

/** What `approveAgentSpend` takes. */
export interface ApproveAgentSpendParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly kind: SpendKind
  readonly spend: AgentSpend
  /** Last Unix second at which it is good. */
  readonly expiry: number
  readonly overrides?: TransactionOverrides
}

/**
 * Approves one spending on chain, so that the agent needs no signature: it sends `{ expiry, signature: '0x' }` with the spending.
 * As the owner or the guardian.
 *
 * @param client A viem client with the owner's or the guardian's account.
 * @param parameters Wallet, agent, kind, spending and expiry in Unix seconds.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await approveAgentSpend(client, { wallet, agent, kind: 'payment', spend, expiry })
 */
export function approveAgentSpend(
  client: WriteClient,
  parameters: ApproveAgentSpendParameters,
): Promise<Hash> {
  const { wallet, agent, kind, spend, expiry, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'approve',
    args: [wallet.account, agent, spendKinds.indexOf(kind), spendArgument(spend), expiry],
    overrides,
  })
}
