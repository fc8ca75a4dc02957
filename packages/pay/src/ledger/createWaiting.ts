import type { Hash } from 'viem'

/** Those who wait for a channel to promise more. */
export interface Waiting {
  /** Looks again for all who wait for this channel. */
  wake(channel: Hash): void
  /** Resolves once `isEnough` says so, or with `false` after `ms` without. */
  until(channel: Hash, isEnough: () => boolean, ms: number): Promise<boolean>
}

/** Makes a waiting room. */
export function createWaiting(): Waiting {
  const waiting = new Map<Hash, Set<() => void>>()
  return {
    wake(channel) {
      // Ticks come by the hundred thousand, and mostly nobody waits.
      const listeners = waiting.size === 0 ? undefined : waiting.get(channel)
      if (listeners !== undefined) for (const look of listeners) look()
    },
    until(channel, isEnough, ms) {
      if (isEnough()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const listeners = waiting.get(channel) ?? new Set()
        waiting.set(channel, listeners)
        const end = (result: boolean) => {
          clearTimeout(timer)
          listeners.delete(look)
          if (listeners.size === 0 && waiting.get(channel) === listeners) waiting.delete(channel)
          resolve(result)
        }
        const look = () => {
          if (isEnough()) end(true)
        }
        const timer = setTimeout(() => end(false), ms)
        listeners.add(look)
      })
    },
  }
}
