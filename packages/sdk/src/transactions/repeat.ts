import { ChainUnreachableError } from '../errors/transaction.ts'

/** How something is repeated. All in milliseconds. */
export interface RepeatOptions {
  readonly interval: number
  readonly timeout: number
  readonly onError: ((error: unknown) => void) | undefined
}

/** Longest pause between attempts that fail. */
const longestPause = 10_000

/**
 * Runs a look at the chain again and again until it is ended. A look that fails is told and tried later, ever more
 * seldom; one that stalls is given up: `current` then says false to it, so that it can no longer have an effect.
 */
export function repeat(
  look: (current: () => boolean) => Promise<void>,
  { interval, timeout, onError }: RepeatOptions,
): () => void {
  let ended = false
  let round = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0

  const run = async () => {
    const own = ++round
    const current = () => !ended && own === round
    try {
      await within(look(current), timeout)
      failures = 0
    } catch (error) {
      failures++
      if (!ended) onError?.(error)
    }
    if (ended) return
    timer = setTimeout(
      run,
      failures === 0 ? interval : Math.min(interval * 2 ** failures, Math.max(interval, longestPause)),
    )
  }
  run()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

async function within(look: Promise<void>, timeout: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ChainUnreachableError({ reason: `no answer within ${timeout} ms` })),
      timeout,
    )
  })
  // What a look that was given up ends in is of no interest to anyone.
  look.catch(() => undefined)
  try {
    await Promise.race([look, late])
  } finally {
    clearTimeout(timer)
  }
}
