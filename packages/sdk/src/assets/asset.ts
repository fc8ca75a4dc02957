import type { Address, Hash } from 'viem'

/** What kind of thing earns, in the order of the contract. */
export const assetKinds = ['machine', 'robot', 'dataset', 'model', 'service', 'units'] as const
/** What kind of thing earns. */
export type AssetKind = (typeof assetKinds)[number]

/** What the register knows of an asset. */
export interface Asset {
  readonly id: bigint
  /** Holds the equity. */
  readonly owner: Address
  /** Runs it and signs its offers. */
  readonly operator: Address
  readonly kind: AssetKind
  /** Starts leases and signs receipts; zero where there is no machine. */
  readonly device: Address
  /** ERC-20 in which it is paid; never changes. */
  readonly currency: Address
  /** Hash of the canonical JSON that describes it. */
  readonly spec: Hash
  /** Where the description can be read; may be empty. */
  readonly uri: string
}
