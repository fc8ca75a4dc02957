import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `vetoAgentChange` takes. */
export interface VetoAgentChangeParameters {
  readonly wallet: AgentWallet
  /** As `hashAgentChange` and the event `announced` name it. */
  readonly change: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Takes back a change that was announced, so that it cannot be made. As the owner or the guardian.
 *
 * @param client A viem client with the owner's or the guardian's account.
 * @param parameters Wallet and the hash of the change.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await vetoAgentChange(client, { wallet, change: hashAgentChange(wallet, { type: 'delay', delay: 0 }) })
 */
export function vetoAgentChange(client: WriteClient, parameters: VetoAgentChangeParameters): Promise<Hash> {
  const { wallet, change, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'veto',
    args: [wallet.account, change],
    overrides,
  })
}
