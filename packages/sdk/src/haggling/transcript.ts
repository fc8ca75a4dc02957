import type { Hash } from 'viem'
import type { HaggleMessage } from './message.ts'
import type { HaggleCall, HaggleTerms } from './terms.ts'

/** Where a haggle stands. */
export interface Haggle {
  readonly id: Hash
  readonly call: HaggleCall
  readonly messages: readonly HaggleMessage[]
  /** Digest of each message, in the order of `messages`. */
  readonly digests: readonly Hash[]
  /** Digest of the last message: the hash of the whole transcript. */
  readonly last: Hash
  readonly turn: 'buyer' | 'seller'
  /** Everything proposed so far, oldest first; sides alternate, the seller begins. */
  readonly proposals: readonly HaggleTerms[]
  readonly state: 'open' | 'agreed' | 'rejected'
}
