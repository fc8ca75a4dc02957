import type { Hash } from 'viem'

/** Where a channel stands on chain. Amounts in base units. */
export interface ChannelState {
  readonly id: Hash
  /** `none`: never opened, or closed; `closing`: somebody asked for the end. */
  readonly state: 'none' | 'open' | 'closing'
  /** All that was put in since the epoch began; 0 while it is not open. */
  readonly deposit: bigint
  /** All that was paid out of it to the payee. */
  readonly claimed: bigint
  /** Closes so far; what a voucher must name. */
  readonly epoch: bigint
  /** First second at which `finalizeClose` may be called, in Unix seconds of the chain; 0 unless it is closing. */
  readonly closesAt: number
}
