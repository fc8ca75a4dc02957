import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { noApproval, type SpendApproval } from './spend.ts'

/** What `fundFloatAsAgent` takes. */
export interface FundFloatAsAgentParameters {
  readonly wallet: AgentWallet
  readonly currency: Address
  /** Base units. */
  readonly amount: bigint
  readonly ref: bigint
  readonly approval?: SpendApproval
  readonly overrides?: TransactionOverrides
}

/**
 * Moves money from an agent's wallet to the float that its policy names, for payments that are signatures. It counts as spent.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Wallet, currency, amount in base units, ref, and an approval where one is needed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await fundFloatAsAgent(client, { wallet, currency, amount: 2_000_000n, ref: 4n })
 */
export function fundFloatAsAgent(client: WriteClient, parameters: FundFloatAsAgentParameters): Promise<Hash> {
  const { wallet, currency, amount, ref, approval = noApproval, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'fundFloat',
    args: [wallet.account, currency, amount, ref, approval],
    overrides,
  })
}
