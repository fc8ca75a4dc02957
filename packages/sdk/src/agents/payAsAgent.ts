import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type AgentSpend, noApproval, type SpendApproval, spendArgument } from './spend.ts'

/** What `payAsAgent` takes. */
export interface PayAsAgentParameters {
  readonly wallet: AgentWallet
  readonly spend: AgentSpend
  /** Needed above the policy's threshold. */
  readonly approval?: SpendApproval
  readonly overrides?: TransactionOverrides
}

/**
 * Pays an account in the till or an asset from an agent's wallet, within the agent's policy.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Wallet, spending, and an approval where one is needed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await payAsAgent(client, { wallet, spend: { currency, counterparty: { asset }, amount, ref: 1n } })
 */
export function payAsAgent(client: WriteClient, parameters: PayAsAgentParameters): Promise<Hash> {
  const { wallet, spend, approval = noApproval, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'pay',
    args: [wallet.account, spendArgument(spend), approval],
    overrides,
    margin: epochMargin,
  })
}
