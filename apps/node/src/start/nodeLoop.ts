import { backoff } from '../relay/backoff.ts'
import type { Log } from './log.ts'
import { createWake } from './wake.ts'

export interface Loop {
  /** Do a round now. */
  wake(): void
  close(): Promise<void>
}

/**
 * Calls `round` again and again: after `pause` seconds, at once when woken, later and later while it throws.
 *
 * @param options.pause Seconds between two rounds.
 */
export function startLoop(options: {
  name: string
  round: () => Promise<void>
  pause: () => number | Promise<number>
  log: Log
}): Loop {
  const { name, round, log } = options
  const wake = createWake()
  let closed = false

  async function run(): Promise<void> {
    let failures = 0
    while (!closed) {
      wake.clear()
      let pause: number
      try {
        await round()
        failures = 0
        pause = (await options.pause()) * 1000
      } catch (error) {
        if (closed) return
        const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
        log.warn({ event: `${name}.failed`, error: message })
        pause = backoff(failures++, Math.random(), { least: 200, most: 10_000 })
      }
      if (!closed) await wake.next(pause)
    }
  }
  const ended = run()
  return {
    wake: wake.wake,
    async close() {
      closed = true
      wake.wake()
      await ended
    },
  }
}
