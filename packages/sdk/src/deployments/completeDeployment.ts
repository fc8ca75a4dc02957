import type { Address } from 'viem'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { WriteClient } from '../transactions/write.ts'
import {
  agentContracts,
  agentCreations,
  type Creation,
  channelsCreation,
  creditContracts,
  creditCreations,
  localDefaults,
} from './contractAddresses.ts'
import { create, deployProxy, exists } from './deployLocal.ts'
import type { Deployment } from './deployment.ts'

/** A deployment of an earlier version: one made before there were channels, wallets of agents, or credit, has none. */
export type EarlierDeployment = Omit<Deployment, 'channels'> & { readonly channels?: Address | undefined }

/**
 * Deploys beside a local deployment of an earlier version what it lacks, so that its money, assets and leases stay what they are.
 * What is there already is left alone.
 *
 * @param client A viem client whose account has gas money.
 * @param deployment The earlier deployment.
 * @returns The deployment with its channels and the contracts of agents and credit: those that it has, else at
 * `channelsOf(deployment.till)`, `agentContracts(deployment)` and `creditContracts(deployment.till)`.
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
    const agents = await completed(client, deployment.agents, {
      planned: agentContracts({ ...deployment, channels }),
      creations: agentCreations({ ...deployment, channels }, localDefaults.salt),
    })
    const credit = await completed(client, deployment.credit, {
      planned: creditContracts(deployment.till),
      creations: creditCreations(deployment.till, localDefaults.salt),
    })
    return { ...deployment, channels, agents, credit }
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
async function completed<Contracts extends object>(
  client: WriteClient,
  kept: Contracts | undefined,
  made: { readonly planned: Contracts; readonly creations: readonly Creation[] },
): Promise<Contracts> {
  if (kept !== undefined) {
    const there = await Promise.all(Object.values(kept).map((address) => exists(client, address)))
    if (there.every(Boolean)) return kept
  }
  await deployProxy(client)
  for (const creation of made.creations) await create(client, creation)
  return made.planned
}
