import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `setAgentGuardian` takes. */
export interface SetAgentGuardianParameters {
  readonly wallet: AgentWallet
  /** The zero address for none. */
  readonly guardian: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Names the guardian of a wallet; where there is one, it must have been announced with `announceAgentChange`. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet and guardian.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setAgentGuardian(client, { wallet, guardian })
 */
export function setAgentGuardian(client: WriteClient, parameters: SetAgentGuardianParameters): Promise<Hash> {
  const { wallet, guardian, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'setGuardian',
    args: [wallet.account, guardian],
    overrides,
  })
}
