import {
  type AgentIdentity,
  type AgentRegistries,
  findAgentIdentities,
  findAgentRegistries,
  getAgentIdentity,
} from '@millrace/sdk'
import { getAddress, isAddress } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { UsageError } from '../errors/input.ts'
import { IdentityAmbiguousError, IdentityMissingError, RegistriesMissingError } from './errors.ts'

/** The registries of ERC-8004 on the network. Throws RegistriesMissingError. */
export async function requireRegistries({
  client,
  network,
}: Pick<Connection, 'client' | 'network'>): Promise<AgentRegistries> {
  const registries = await findAgentRegistries(client)
  if (registries === null) throw new RegistriesMissingError({ network })
  return registries
}

/**
 * Finds an agent by its id in the registry, or by the address that owns it or is its wallet.
 *
 * @throws UsageError, IdentityMissingError, IdentityAmbiguousError
 */
export async function findAgent(
  { client }: Pick<Connection, 'client'>,
  { registries, agent }: { readonly registries: AgentRegistries; readonly agent: string },
): Promise<AgentIdentity> {
  if (/^\d{1,78}$/.test(agent)) {
    const found = await getAgentIdentity(client, { registries, agentId: BigInt(agent) })
    if (found === null) throw new IdentityMissingError({ agent })
    return found
  }
  if (!isAddress(agent))
    throw new UsageError({
      message: `'${agent}' is no agent.`,
      remedy: 'Give its id in the registry, or its address.',
    })
  const found = await findAgentIdentities(client, { registries, account: getAddress(agent) })
  const [only] = found
  if (only === undefined) throw new IdentityMissingError({ agent })
  if (found.length > 1)
    throw new IdentityAmbiguousError({ agent, found: found.map(({ agentId }) => agentId) })
  return only
}
