import type { Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { hubOf } from './account.ts'
import type { AgentLine } from './getAgentBudget.ts'
import { type Counterparty, counterpartyOf } from './policy.ts'

/**
 * Reads whether an agent's lists let it pay a counterparty, or buy a service. What is left for it, pauses, start and end are not looked at.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet, agent, currency, and the counterparty or the service as `serviceHash` names it.
 * @returns Whether it is on the list, or the policy looks at none.
 * @throws ChainUnreachableError.
 * @example
 * const listed = await isAllowedForAgent(client, { wallet, agent, currency, counterparty: { asset } })
 */
export function isAllowedForAgent(
  client: ReadClient,
  parameters: AgentLine & ({ readonly counterparty: Counterparty } | { readonly service: Hash }),
): Promise<boolean> {
  const { wallet, agent, currency } = parameters
  const call = { address: hubOf(wallet), abi: agentsAbi } as const
  const line = [wallet.account, agent, currency] as const
  return 'service' in parameters
    ? read(client, { ...call, functionName: 'isServiceAllowed', args: [...line, parameters.service] })
    : read(client, {
        ...call,
        functionName: 'isAllowed',
        args: [...line, counterpartyOf(parameters.counterparty)],
      })
}
