import { DeploymentUnknownError } from '../errors/deployments.ts'
import type { Deployment } from './deployment.ts'

const deployments = new Map<number, Deployment>()

/**
 * Finds the deployment of a chain.
 *
 * @param chainId Id of the chain.
 * @returns Where Millrace is on it.
 * @throws DeploymentUnknownError if it was not registered.
 * @example
 * const { market } = deploymentOf(31337)
 */
export function deploymentOf(chainId: number): Deployment {
  const deployment = deployments.get(chainId)
  if (deployment === undefined) throw new DeploymentUnknownError({ chainId, known: [...deployments.keys()] })
  return deployment
}

/**
 * Makes a deployment known to `deploymentOf` in this process.
 *
 * @param deployment What a deployment file, a gateway or `deployLocal` said. Replaces an earlier one of the chain.
 * @example
 * registerDeployment(parse(deploymentSchema, JSON.parse(text), 'deployment'))
 */
export function registerDeployment(deployment: Deployment): void {
  deployments.set(deployment.chainId, deployment)
}
