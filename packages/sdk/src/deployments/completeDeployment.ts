import type { Address } from 'viem'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { WriteClient } from '../transactions/write.ts'
import { agentContracts, agentCreations, channelsCreation, localDefaults } from './contractAddresses.ts'
import { create, deployProxy, exists } from './deployLocal.ts'
import type { Deployment } from './deployment.ts'

/** A deployment of an earlier version: one made before there were channels, or wallets of agents, has none. */
export type EarlierDeployment = Omit<Deployment, 'channels'> & { readonly channels?: Address | undefined }

/**
 * Deploys beside a local deployment of an earlier version what it lacks, so that its money, assets and leases stay what they are.
 * What is there already is left alone.
 *
 * @param client A viem client whose account has gas money.
 * @param deployment The earlier deployment.
 * @returns The deployment with its channels and agents' contracts: those that it has, else at `channelsOf(deployment.till)` and
 * `agentContracts(deployment)`.
 * @throws DeploymentFailedError, GasMoneyError, ChainUnreachableError.
 * @example
 * const deployment = await completeDeployment(client, earlier)
 */
export async function completeDeployment(
  client: WriteClient,
  deployment: EarlierDeployment,
): Promise<Deployment> {
  try {
    const channels = await completeChannels(client, deployment)
    return await completeAgents(client, { ...deployment, channels })
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
}

async function completeChannels(
  client: WriteClient,
  { till, channels }: EarlierDeployment,
): Promise<Address> {
  if (channels !== undefined && (await exists(client, channels))) return channels
  const creation = channelsCreation(till, localDefaults.salt)
  await deployProxy(client)
  await create(client, creation)
  return creation.address
}

/** Kept or made as one: they are parts of each other. */
async function completeAgents(client: WriteClient, deployment: Deployment): Promise<Deployment> {
  const { agents } = deployment
  if (agents !== undefined) {
    const there = await Promise.all(Object.values(agents).map((address) => exists(client, address)))
    if (there.every(Boolean)) return deployment
  }
  await deployProxy(client)
  for (const creation of agentCreations(deployment, localDefaults.salt)) await create(client, creation)
  return { ...deployment, agents: agentContracts(deployment) }
}
