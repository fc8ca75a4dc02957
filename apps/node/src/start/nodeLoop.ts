import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '../relay/backoff.ts'
import type { Log } from './log.ts'

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
  const closing = new AbortController()
  let woken = false
  let nap = new AbortController()

  async function run(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      woken = false
      nap = new AbortController()
      let pause: number
      try {
        await round()
        failures = 0
        pause = (await options.pause()) * 1000
      } catch (error) {
        if (closing.signal.aborted) return
        const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
        log.warn({ event: `${name}.failed`, error: message })
        pause = backoff(failures++, Math.random(), { least: 200, most: 10_000 })
      }
      if (woken || closing.signal.aborted) continue
      await sleep(pause, undefined, { signal: AbortSignal.any([nap.signal, closing.signal]) }).catch(
        () => undefined,
      )
    }
  }
  const ended = run()
  return {
    wake() {
      woken = true
      nap.abort()
    },
    async close() {
      closing.abort()
      await ended
    },
  }
}
