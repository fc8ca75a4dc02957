import { type Address, encodeFunctionData, type Hash, type Hex, keccak256 } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import type { AgentPolicy } from './policy.ts'

/** A change that may loosen: it is announced, waits for the wallet's delay, and is then made word for word. */
export type AgentChange =
  | {
      readonly type: 'policy'
      readonly agent: Address
      readonly currency: Address
      readonly policy: AgentPolicy
    }
  | {
      readonly type: 'allow'
      readonly agent: Address
      readonly currency: Address
      readonly counterparties: readonly bigint[]
      readonly services: readonly Hash[]
    }
  | { readonly type: 'guardian'; readonly guardian: Address }
  | { readonly type: 'delay'; readonly delay: number }

/** What `announceAgentChange` takes. */
export interface AnnounceAgentChangeParameters {
  readonly wallet: AgentWallet
  readonly change: AgentChange
  readonly overrides?: TransactionOverrides
}

function callOf({ account }: AgentWallet, change: AgentChange): Hex {
  const abi = agentsAbi
  switch (change.type) {
    case 'policy': {
      const { agent, currency, policy } = change
      return encodeFunctionData({ abi, functionName: 'setPolicy', args: [account, agent, currency, policy] })
    }
    case 'allow': {
      const { agent, currency, counterparties, services } = change
      const args = [account, agent, currency, counterparties, services] as const
      return encodeFunctionData({ abi, functionName: 'allow', args })
    }
    case 'guardian':
      return encodeFunctionData({ abi, functionName: 'setGuardian', args: [account, change.guardian] })
    case 'delay':
      return encodeFunctionData({ abi, functionName: 'setDelay', args: [account, change.delay] })
    default:
      return change satisfies never
  }
}

/**
 * Names a change as the contract's events and `vetoAgentChange` do.
 *
 * @param wallet The wallet.
 * @param change The change.
 * @returns keccak256 of the call that makes it.
 * @example
 * const change = hashAgentChange(wallet, { type: 'policy', agent, currency, policy })
 */
export function hashAgentChange(wallet: AgentWallet, change: AgentChange): Hash {
  return keccak256(callOf(wallet, change))
}

/**
 * Announces a change. `setAgentPolicy`, `allowForAgent`, `setAgentGuardian` or `setAgentDelay` with the same values makes it once the
 * wallet's delay is over, within 14 days, unless the guardian vetoes it. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet and change.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await announceAgentChange(client, { wallet, change: { type: 'delay', delay: 3600 } })
 */
export function announceAgentChange(
  client: WriteClient,
  parameters: AnnounceAgentChangeParameters,
): Promise<Hash> {
  const { wallet, change, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'announce',
    args: [wallet.account, callOf(wallet, change)],
    overrides,
  })
}
