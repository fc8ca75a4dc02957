/** How often one client may ask. */
export interface RateLimit {
  /** Tokens that come back a second. */
  readonly perSecond: number
  /** Tokens of a client that has been quiet. */
  readonly burst: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Clients remembered; the one not seen longest is forgotten, and starts full. */
const MOST_CLIENTS = 50_000

/** A token bucket for each client. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>()
  readonly #limit: RateLimit

  constructor(limit: RateLimit) {
    this.#limit = limit
  }

  /**
   * Takes `cost` tokens of `client` at `now` milliseconds.
   * @returns 0 if it may go on, otherwise the seconds, rounded up, after which it may.
   */
  take(client: string, cost: number, now: number): number {
    const { perSecond, burst } = this.#limit
    const known = this.#buckets.get(client)
    const tokens =
      known === undefined
        ? burst
        : Math.min(burst, known.tokens + (Math.max(0, now - known.at) / 1000) * perSecond)
    this.#buckets.delete(client)
    // More than a full bucket can never be paid; it is let through once the bucket is full.
    const price = Math.min(cost, burst)
    const enough = tokens >= price
    this.#buckets.set(client, { tokens: enough ? tokens - price : tokens, at: now })
    if (this.#buckets.size > MOST_CLIENTS) {
      const oldest = this.#buckets.keys().next()
      if (oldest.done !== true) this.#buckets.delete(oldest.value)
    }
    return enough ? 0 : Math.ceil((price - tokens) / perSecond)
  }
}
