import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `setAgentDelay` takes. */
export interface SetAgentDelayParameters {
  readonly wallet: AgentWallet
  /** Seconds, at most 30 days. */
  readonly delay: number
  readonly overrides?: TransactionOverrides
}

/**
 * Sets how long a change that loosens waits; a shorter delay must have been announced with `announceAgentChange`. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet and delay in seconds.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setAgentDelay(client, { wallet, delay: 86_400 })
 */
export function setAgentDelay(client: WriteClient, parameters: SetAgentDelayParameters): Promise<Hash> {
  const { wallet, delay, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'setDelay',
    args: [wallet.account, delay],
    overrides,
  })
}
