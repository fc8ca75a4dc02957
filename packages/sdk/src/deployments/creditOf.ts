import { CreditContractsUnknownError } from '../errors/deployments.ts'
import type { CreditContracts, Deployment } from './deployment.ts'

/**
 * The contracts of credit of a deployment.
 *
 * @throws CreditContractsUnknownError if it was made before there were any
 */
export function creditOf({ credit, chainId, till }: Deployment): CreditContracts {
  if (credit === undefined) throw new CreditContractsUnknownError({ chainId, till })
  return credit
}
