import type { Log } from './log.ts'
import { type Loop, startLoop } from './nodeLoop.ts'

/** What a node does again and again, beside its leases. */
export interface LoopOptions {
  /** Looks for leases that were opened. */
  readonly openings: () => Promise<void>
  readonly health: () => Promise<void>
  readonly offers: () => Promise<void>
  readonly storage: () => Promise<void>
  /** Settles the till, if the node is to. */
  readonly till: { readonly look: () => Promise<void>; readonly interval: () => Promise<number> } | null
  /** Seconds between two looks at the chain. */
  readonly poll: number
  /** Seconds that an offer lives. */
  readonly ttl: number
  readonly log: Log
}

export interface Loops {
  readonly offers: Loop
  readonly storage: Loop
  close(): Promise<void>
}

/** Starts them all; each by itself, so that one which fails or waits holds up no other. */
export function startLoops(options: LoopOptions): Loops {
  const { log, poll, ttl, till } = options
  const loop = (name: string, round: () => Promise<void>, pause: () => number | Promise<number>) =>
    startLoop({ name, round, pause, log })
  const offers = loop('offers', options.offers, () => Math.min(5, ttl / 4))
  const storage = loop('storage', options.storage, () => 60)
  const all = [
    loop('openings', options.openings, () => poll),
    loop('health', options.health, () => 5),
    offers,
    storage,
    ...(till === null ? [] : [loop('till', till.look, till.interval)]),
  ]
  return {
    offers,
    storage,
    async close() {
      await Promise.all(all.map((one) => one.close()))
    },
  }
}
