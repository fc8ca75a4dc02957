import type { Address } from 'viem'

/** A currency that assets are paid in. */
export interface Currency {
  readonly address: Address
  readonly symbol: string
  readonly decimals: number
}

/** The chain and contracts a gateway serves. */
export interface Network {
  readonly chainId: number
  readonly assets: Address
  readonly till: Address
  readonly market: Address
  /** First block that can hold an event; 0 where unknown. */
  readonly startBlock: number
  readonly currencies: readonly Currency[]
}
