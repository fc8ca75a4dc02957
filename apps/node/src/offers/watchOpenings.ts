import type { Hex } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'

export interface OpeningsWatcher {
  /** Looks for leases opened since the last look, and tells of each at least once. Throws viem's errors. */
  look(): Promise<void>
}

/** Blocks looked at again each time, for those that a reorganisation replaced. */
const OVERLAP = 32n
/** Most blocks in one question; endpoints refuse more. */
const SPAN = 2000n

/** Finds leases opened on `asset`, also by buyers who never show up. */
export function watchOpenings(options: {
  chain: NodeChain
  clock: Clock
  asset: bigint
  onOpened: (lease: Hex) => void
}): OpeningsWatcher {
  const { chain, clock, asset, onOpened } = options
  let next: bigint | null = null
  let lastHash: Hex | null = null
  return {
    async look() {
      const head = await chain.head()
      clock.observe(head.timestamp)
      if (head.hash === lastHash) return
      // What was opened while the node was down is found by looking at each offer in the journal.
      let from: bigint = next ?? head.number
      from = from > OVERLAP ? from - OVERLAP : 0n
      while (from <= head.number) {
        const to = from + SPAN - 1n < head.number ? from + SPAN - 1n : head.number
        for (const lease of await chain.opened(asset, from, to)) onOpened(lease)
        from = to + 1n
      }
      next = head.number + 1n
      lastHash = head.hash
    },
  }
}
