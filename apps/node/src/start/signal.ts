/** Something that happens again and again, for any number of waiters. */
export interface Signal {
  /**
   * Resolves at the next `fire` after this call, when `abort` is, or after `milliseconds`; nothing is left behind.
   */
  next(options?: { readonly abort?: AbortSignal; readonly milliseconds?: number }): Promise<void>
  fire(): void
}

export function createSignal(): Signal {
  let waiters = new Set<() => void>()
  return {
    next({ abort, milliseconds } = {}) {
      return new Promise((resolve) => {
        if (abort?.aborted) return resolve()
        const timer = milliseconds === undefined ? null : setTimeout(() => done(), milliseconds)
        const done = () => {
          if (timer !== null) clearTimeout(timer)
          abort?.removeEventListener('abort', done)
          waiters.delete(done)
          resolve()
        }
        waiters.add(done)
        abort?.addEventListener('abort', done)
      })
    },
    fire() {
      const now = waiters
      waiters = new Set()
      for (const waiter of now) waiter()
    },
  }
}
