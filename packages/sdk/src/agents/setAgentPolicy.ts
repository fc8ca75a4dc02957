import { type Address, encodeFunctionData, type Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import type { AgentPolicy } from './policy.ts'

/** What the three actions on a policy take. */
export interface AgentPolicyParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly currency: Address
  readonly policy: AgentPolicy
  readonly overrides?: TransactionOverrides
}

const args = ({ wallet, agent, currency, policy }: AgentPolicyParameters) =>
  [wallet.account, agent, currency, policy] as const

/**
 * Announces a policy, whatever was before. `setAgentPolicy` with the same numbers makes it once the account's delay is over,
 * unless the guardian vetoes it. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet, agent, currency and policy.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await announceAgentPolicy(client, { wallet, agent, currency, policy })
 */
export function announceAgentPolicy(client: WriteClient, parameters: AgentPolicyParameters): Promise<Hash> {
  const { wallet, overrides } = parameters
  const call = encodeFunctionData({ abi: agentsAbi, functionName: 'setPolicy', args: args(parameters) })
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'announce',
    args: [wallet.account, call],
    overrides,
  })
}

/**
 * Sets a policy that was announced. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet, agent, currency and policy, as announced.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setAgentPolicy(client, { wallet, agent, currency, policy })
 */
export function setAgentPolicy(client: WriteClient, parameters: AgentPolicyParameters): Promise<Hash> {
  const { wallet, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'setPolicy',
    args: args(parameters),
    overrides,
  })
}

/**
 * Makes each number of a policy the stricter of what it is and what is given, at once. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet, agent, currency and policy.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await tightenAgentPolicy(client, { wallet, agent, currency, policy })
 */
export function tightenAgentPolicy(client: WriteClient, parameters: AgentPolicyParameters): Promise<Hash> {
  const { wallet, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'tighten',
    args: args(parameters),
    overrides,
  })
}
