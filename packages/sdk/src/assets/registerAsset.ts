import { type Address, type Hash, parseEventLogs, type TransactionReceipt } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AssetKind, assetKinds } from './asset.ts'

/** What `registerAsset` takes. */
export interface RegisterAssetParameters {
  readonly deployment: Deployment
  readonly owner: Address
  /** Runs the asset and signs its offers. */
  readonly operator: Address
  readonly kind: AssetKind
  /** Key of the machine itself; zero for none. */
  readonly device: Address
  /** ERC-20 in which the asset is paid. It can never be changed. */
  readonly currency: Address
  /** Hash of the canonical JSON that describes it. */
  readonly spec: Hash
  /** Where the description can be read; may be empty. */
  readonly uri: string
  readonly overrides?: TransactionOverrides
}

/**
 * Registers an asset and gives it to its owner.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, owner, operator, kind, device, currency, hash and address of the description.
 * @returns The transaction's hash; `registeredAsset(await confirm(client, hash))` is the id.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await registerAsset(client, { deployment, owner, operator, kind: 'machine', device, currency, spec, uri: '' })
 */
export function registerAsset(client: WriteClient, parameters: RegisterAssetParameters): Promise<Hash> {
  const { deployment, owner, operator, kind, device, currency, spec, uri, overrides } = parameters
  return write(client, {
    address: deployment.assets,
    abi: assetsAbi,
    functionName: 'register',
    args: [owner, { operator, kind: assetKinds.indexOf(kind), device, currency, spec }, uri],
    overrides,
  })
}

/**
 * Reads the id of a new asset from its transaction.
 *
 * @param receipt Receipt of a `registerAsset` transaction.
 * @returns The id, or `null` if no asset was registered in it.
 * @example
 * const asset = registeredAsset(await confirm(client, hash))
 */
export function registeredAsset(receipt: Pick<TransactionReceipt, 'logs'>): bigint | null {
  const [event] = parseEventLogs({ abi: assetsAbi, eventName: 'AssetRegistered', logs: receipt.logs })
  return event?.args.asset ?? null
}
