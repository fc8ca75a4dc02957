import type { Address } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type AgentPolicy, type Counterparty, counterpartyOf } from './policy.ts'

/** What is left right now, in base units. */
export interface AgentBudget {
  /** The most that one payment to the counterparty can be. */
  readonly spendable: bigint
  readonly perPayment: bigint
  readonly period: bigint
  readonly counterparty: bigint
  readonly budget: bigint
  readonly float: bigint
}

/** An agent of a wallet in one currency. */
export interface AgentLine {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly currency: Address
}

/**
 * Reads what an agent may still spend on a counterparty; lists, pauses, start and end are not looked at.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet, agent, currency and counterparty.
 * @returns What is left, in base units.
 * @throws ChainUnreachableError.
 * @example
 * const { spendable } = await getAgentBudget(client, { wallet, agent, currency, counterparty: { asset } })
 */
export function getAgentBudget(
  client: ReadClient,
  parameters: AgentLine & { readonly counterparty: Counterparty },
): Promise<AgentBudget> {
  const { wallet, agent, currency, counterparty } = parameters
  return read(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'budgetOf',
    args: [wallet.account, agent, currency, counterpartyOf(counterparty)],
  })
}

/**
 * Reads the policy in force; its budget is what is left of it.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet, agent and currency.
 * @returns The policy; with a period of 0 if there is none.
 * @throws ChainUnreachableError.
 * @example
 * const { perPayment } = await getAgentPolicy(client, { wallet, agent, currency })
 */
export function getAgentPolicy(client: ReadClient, parameters: AgentLine): Promise<AgentPolicy> {
  const { wallet, agent, currency } = parameters
  return read(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'policyOf',
    args: [wallet.account, agent, currency],
  })
}
