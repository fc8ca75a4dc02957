import type { Deployment } from '../deployments/deployment.ts'
import { RevertError } from '../errors/transaction.ts'
import { assetsAbi } from '../generated/assets.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type Asset, assetKinds } from './asset.ts'

/**
 * Reads an asset from the chain.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and id of the asset.
 * @returns The asset, or `null` if none has this id.
 * @throws ChainUnreachableError.
 * @example
 * const asset = await getAsset(client, { deployment, asset: 1n })
 */
export async function getAsset(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly asset: bigint },
): Promise<Asset | null> {
  const { deployment, asset: id } = parameters
  const contract = { address: deployment.assets, abi: assetsAbi } as const
  try {
    const [record, owner, uri] = await Promise.all([
      read(client, { ...contract, functionName: 'get', args: [id] }),
      read(client, { ...contract, functionName: 'ownerOf', args: [id] }),
      read(client, { ...contract, functionName: 'tokenURI', args: [id] }),
    ])
    return { ...record, id, owner, uri, kind: assetKinds[record.kind] ?? 'service' }
  } catch (error) {
    if (error instanceof RevertError && unknown.has(error.revert.name)) return null
    throw error
  }
}

const unknown = new Set(['AssetUnknown', 'ERC721NonexistentToken'])
