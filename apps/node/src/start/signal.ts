/** Something that happens again and again, for any number of waiters. */
export interface Signal {
  /** Resolves at the next `fire` after this call, or when `abort` is. */
  next(abort?: AbortSignal): Promise<void>
  fire(): void
}

export function createSignal(): Signal {
  let waiters = new Set<() => void>()
  return {
    next(abort) {
      return new Promise((resolve) => {
        if (abort?.aborted) return resolve()
        const done = () => {
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
