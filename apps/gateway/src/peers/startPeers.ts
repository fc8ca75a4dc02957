import type { Database } from '../database/Database.ts'
import type { PeerStatus } from '../http/stateRoutes.ts'
import type { OfferBook } from '../offers/OfferBook.ts'
import { syncPeer } from './syncPeer.ts'

/** What peers are followed with. */
export interface PeersOptions {
  /** Base URLs of the other gateways. */
  readonly urls: readonly string[]
  readonly database: Database
  readonly book: OfferBook
  /** Pause between two looks at a peer, milliseconds. */
  readonly pollMs: number
  /** Unix seconds. */
  readonly now: () => number
  readonly onEvent: (event: { readonly event: string; readonly peer: string; readonly code: string }) => void
}

/** Other gateways whose offers are taken over. */
export interface Peers {
  status(): readonly PeerStatus[]
  close(): Promise<void>
}

/** Longest pause after failures, as a multiple of the usual one. */
const LONGEST_PAUSE = 12

/** Follows each peer by itself: one that is dead, slow or lying does not hold up the others. */
export async function startPeers(options: PeersOptions): Promise<Peers> {
  const { urls, database, pollMs, now, onEvent } = options
  const stop = new AbortController()
  const states = new Map<string, PeerStatus>()
  const rows = await database.query<{ url: string; since: bigint }>('select url, since from peer_cursors')
  const known = new Map(rows.map(({ url, since }) => [url, Number(since)]))

  async function follow(url: string): Promise<void> {
    let failures = 0
    while (!stop.signal.aborted) {
      const state = states.get(url)
      const since = state?.since ?? 0
      try {
        const { next, taken, refused } = await syncPeer(url, since, { ...options, signal: stop.signal })
        states.set(url, { url, since: next, seenAt: now(), error: null })
        failures = 0
        // On to the next page at once only for what stands: a peer that has nothing for us, or lies, waits its turn.
        if (next > since && taken > 0 && refused <= taken) continue
      } catch (error) {
        if (stop.signal.aborted) return
        failures++
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'PEER_FAILED'
        if (state?.error !== code) onEvent({ event: 'peer.failed', peer: url, code })
        states.set(url, { url, since, seenAt: state?.seenAt ?? null, error: code })
      }
      await pause(pollMs * Math.min(2 ** failures, LONGEST_PAUSE), stop.signal)
    }
  }

  for (const url of urls) states.set(url, { url, since: known.get(url) ?? 0, seenAt: null, error: null })
  const running = urls.map(follow)
  return {
    status: () => [...states.values()],
    async close() {
      stop.abort()
      await Promise.all(running)
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
