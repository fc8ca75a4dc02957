import type { Hash } from 'viem'
import { SessionReplayedError } from '../errors/session.ts'
import { helloTolerance } from './hello.ts'

/** Remembers the sessions that were opened while their hello could still be in time. */
export interface ReplayGuard {
  /** Takes a session once. Throws SessionReplayedError at the second time. */
  take(enc: Hash, now: number): void
}

/**
 * Makes a memory of opened sessions. One process needs one; sessions share it by default.
 *
 * @returns A guard that forgets after twice the tolerance of clocks.
 * @example
 * const replayGuard = createReplayGuard()
 */
export function createReplayGuard(): ReplayGuard {
  const seen = new Map<Hash, number>()
  return {
    take(enc, now) {
      // Insertion order is time order, so what is too old stands in front.
      for (const [old, at] of seen) {
        if (at + 2 * helloTolerance >= now) break
        seen.delete(old)
      }
      if (seen.has(enc)) throw new SessionReplayedError({ enc })
      seen.set(enc, now)
    },
  }
}
