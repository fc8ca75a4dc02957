import { type CreditContracts, CreditContractsUnknownError } from '@millrace/sdk'
import type { Connection } from '../connection/connect.ts'

/**
 * The contracts of credit of a network.
 *
 * @throws CreditContractsUnknownError
 */
export function creditOf({ deployment }: Connection): CreditContracts {
  const { credit, chainId, till } = deployment
  if (credit === undefined) throw new CreditContractsUnknownError({ chainId, till })
  return credit
}
