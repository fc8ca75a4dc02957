import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { Asset } from './asset.ts'
import { getAsset } from './getAsset.ts'

/** Assets read from the chain at a time. */
const batch = 16

/**
 * Reads assets from the chain in the order of their ids. A gateway answers the same faster.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, first id (default 1), and how many at most (default 100).
 * @returns The assets.
 * @throws ChainUnreachableError.
 * @example
 * const assets = await listAssets(client, { deployment, from: 1n, limit: 50 })
 */
export async function listAssets(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly from?: bigint; readonly limit?: number },
): Promise<readonly Asset[]> {
  const { deployment, from = 1n, limit = 100 } = parameters
  const count = await read(client, { address: deployment.assets, abi: assetsAbi, functionName: 'count' })
  const ids: bigint[] = []
  for (let id = from; id <= count && ids.length < limit; id++) ids.push(id)
  const assets: Asset[] = []
  for (let at = 0; at < ids.length; at += batch) {
    const read = await Promise.all(
      ids.slice(at, at + batch).map((asset) => getAsset(client, { deployment, asset })),
    )
    assets.push(...read.filter((asset) => asset !== null))
  }
  return assets
}
