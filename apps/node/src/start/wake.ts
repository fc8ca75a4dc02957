/** Lets one loop sleep until it is woken or time has passed. A wake that comes while nobody sleeps is not lost. */
export interface Wake {
  wake(): void
  /** Forgets wakes so far; what comes from here on counts. */
  clear(): void
  /** Resolves when woken since the last `clear`, or after `milliseconds`. */
  next(milliseconds: number): Promise<void>
}

export function createWake(): Wake {
  let pending = false
  let resume: (() => void) | null = null
  return {
    wake() {
      pending = true
      resume?.()
    },
    clear() {
      pending = false
    },
    next(milliseconds) {
      return new Promise((resolve) => {
        if (pending) return resolve()
        const timer = setTimeout(() => resume?.(), milliseconds)
        resume = () => {
          clearTimeout(timer)
          resume = null
          resolve()
        }
      })
    },
  }
}
