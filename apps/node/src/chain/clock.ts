/** The chain's time as it is known here, in Unix seconds with fraction. */
export interface Clock {
  now(): number
  /** Seconds that the chain is ahead of this machine. */
  readonly skew: number
  /**
   * Tells of a block's time. `fresh`: it was mined just now, so it also shows a chain that lags; without, an old time
   * only shows that nothing happened since.
   */
  observe(timestamp: number, fresh?: boolean): void
}

/** Difference that is laid to blocks being apart rather than to clocks being wrong, in seconds. */
const TOLERANCE = 30

/** A clock that follows this machine's, unless the chain is seen to disagree. */
export function createClock(wall: () => number = () => Date.now() / 1000): Clock {
  let skew = 0
  return {
    now: () => wall() + skew,
    get skew() {
      return skew
    },
    observe(timestamp, fresh = false) {
      const ahead = timestamp - wall()
      // A block of the future cannot be old news; one second is rounding.
      if (ahead > skew && ahead > 1) skew = ahead
      // Nor one later than the time that a lagging chain was thought to have.
      else if (ahead > skew && skew < 0) skew = ahead < -TOLERANCE ? ahead : 0
      else if (fresh && Math.abs(ahead - skew) > TOLERANCE) skew = Math.abs(ahead) > TOLERANCE ? ahead : 0
    },
  }
}
