import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** What `allowForAgent` takes. */
export interface AllowForAgentParameters {
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly currency: Address
  /** As `counterpartyOf` names them. Default none. */
  readonly counterparties?: readonly bigint[]
  /** As `serviceHash` names them. Default none. */
  readonly services?: readonly Hash[]
  readonly overrides?: TransactionOverrides
}

/**
 * Adds to an agent's lists what was announced with `announceAgentChange`. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Wallet, agent, currency, counterparties and services, as announced.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await allowForAgent(client, { wallet, agent, currency, counterparties: [counterpartyOf({ asset })] })
 */
export function allowForAgent(client: WriteClient, parameters: AllowForAgentParameters): Promise<Hash> {
  const { wallet, agent, currency, counterparties = [], services = [], overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'allow',
    args: [wallet.account, agent, currency, counterparties, services],
    overrides,
  })
}
