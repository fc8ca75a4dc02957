import type { Address } from 'viem'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { WriteClient } from '../transactions/write.ts'
import { channelsCreation, localDefaults } from './contractAddresses.ts'
import { create, deployProxy, exists } from './deployLocal.ts'
import type { Deployment } from './deployment.ts'

/** A deployment of an earlier version: one made before there were channels has none. */
export type EarlierDeployment = Omit<Deployment, 'channels'> & { readonly channels?: Address | undefined }

/**
 * Deploys beside a local deployment of an earlier version what it lacks, so that its money, assets and leases stay what they are.
 * What is there already is left alone.
 *
 * @param client A viem client whose account has gas money.
 * @param deployment The earlier deployment.
 * @returns The deployment with its channels: those that it has, else at `channelsOf(deployment.till)`.
 * @throws DeploymentFailedError, GasMoneyError, ChainUnreachableError.
 * @example
 * const deployment = await completeDeployment(client, earlier)
 */
export async function completeDeployment(
  client: WriteClient,
  deployment: EarlierDeployment,
): Promise<Deployment> {
  const { channels: kept } = deployment
  const channels = channelsCreation(deployment.till, localDefaults.salt)
  try {
    if (kept !== undefined && (await exists(client, kept))) return { ...deployment, channels: kept }
    await deployProxy(client)
    await create(client, channels)
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
  return { ...deployment, channels: channels.address }
}
