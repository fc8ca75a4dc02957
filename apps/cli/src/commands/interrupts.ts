import { shortLease } from '../jobs/order.ts'
import type { Output } from '../output/output.ts'
import { theme } from '../output/theme.ts'

/** Milliseconds after the first Ctrl-C in which a second one stops the lease. */
const secondChance = 3000

export interface Interrupts {
  /** Aborted when the person leaves. */
  readonly detach: AbortSignal
  /** Aborted when the person wants the lease stopped. */
  readonly stop: AbortSignal
  /** From now on there is a lease that goes on without us. */
  arm(lease: string): void
}

/**
 * Ctrl-C while a job runs: the first asks, and leaves the job running after three seconds; a second one stops the lease.
 * Before there is a lease, the first ends the command: nothing was paid.
 */
export function createInterrupts(output: Output): Interrupts {
  const detach = new AbortController()
  const stop = new AbortController()
  let armed: string | null = null
  let count = 0
  process.on('SIGINT', () => {
    count++
    if (armed === null) process.exit(130)
    if (count === 1) {
      output.note(
        theme.yellow(
          `\nLease ${shortLease(armed)} goes on. Ctrl-C again within 3 s stops it and pays for the seconds until now; otherwise you leave and it runs on.`,
        ),
      )
      setTimeout(() => {
        if (!stop.signal.aborted) detach.abort()
      }, secondChance).unref()
      return
    }
    if (count === 2) {
      output.note(theme.yellow('\nStopping the lease …'))
      stop.abort()
      return
    }
    if (count > 3) process.exit(130)
    output.note(
      theme.yellow(
        '\nStill stopping; Ctrl-C once more leaves at once. `millrace stop` ends the lease later.',
      ),
    )
  })
  process.on('SIGTERM', () => {
    if (armed === null) process.exit(143)
    detach.abort()
  })
  return {
    detach: detach.signal,
    stop: stop.signal,
    arm(lease) {
      armed = lease
    },
  }
}
