import type { Address } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/**
 * Reads an operator's series of offers. Offers of an earlier series are void.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and operator.
 * @returns The series; 0 until `cancelAllOffers` was first used.
 * @throws ChainUnreachableError.
 * @example
 * const series = await getSeries(client, { deployment, operator })
 */
export function getSeries(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly operator: Address },
): Promise<bigint> {
  const { deployment, operator } = parameters
  return read(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'seriesOf',
    args: [operator],
  })
}
