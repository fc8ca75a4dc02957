import type { Hash } from 'viem'
import type { TransactionOverrides, WriteClient } from '../transactions/write.ts'
import type { AgentWallet } from './account.ts'
import { allowForAgent } from './allowForAgent.ts'
import type { AgentChange } from './announceAgentChange.ts'
import { setAgentDelay } from './setAgentDelay.ts'
import { setAgentGuardian } from './setAgentGuardian.ts'
import { setAgentPolicy } from './setAgentPolicy.ts'

/** What `applyAgentChange` takes. */
export interface ApplyAgentChangeParameters {
  readonly wallet: AgentWallet
  readonly change: AgentChange
  readonly overrides?: TransactionOverrides
}

/**
 * Makes a change that was announced, of whichever kind. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet and change, as announced.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await applyAgentChange(client, { wallet, change: { type: 'delay', delay: 3600 } })
 */
export function applyAgentChange(client: WriteClient, parameters: ApplyAgentChangeParameters): Promise<Hash> {
  const { wallet, change, overrides } = parameters
  const rest = overrides === undefined ? {} : { overrides }
  switch (change.type) {
    case 'policy':
      return setAgentPolicy(client, { wallet, ...change, ...rest })
    case 'allow':
      return allowForAgent(client, { wallet, ...change, ...rest })
    case 'guardian':
      return setAgentGuardian(client, { wallet, ...change, ...rest })
    case 'delay':
      return setAgentDelay(client, { wallet, ...change, ...rest })
    default:
      return change satisfies never
  }
}
