import type { Session } from '../database/Database.ts'
import { GatewayFault } from '../errors/GatewayFault.ts'
import type { ChainIndex, IndexOptions, IndexStatus, Listeners } from './ChainIndex.ts'
import { EventOutOfPlace, IndexMoved, ReorgTooDeep, RpcInconsistent, WrongChain } from './errors.ts'
import { type ChainEvent, nouns } from './events.ts'
import { createRange } from './range.ts'
import { createRpc } from './rpc.ts'
import { createSource, type Header, type Source } from './source.ts'
import {
  type Batch,
  type BlockMark,
  type Head,
  lockHead,
  pruneBelow,
  readBlocks,
  readHead,
  resetIndex,
  undoTo,
  writeBatch,
} from './store.ts'

export type { ChainIndex, IndexedDeployment, IndexOptions, IndexStatus, Within } from './ChainIndex.ts'

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Blocks near the head taken in one transaction. */
const FOLLOW_BLOCKS = 64
/** Failures at the same place after which the tables, not the RPC, are taken to be wrong. */
const OUT_OF_PLACE_LIMIT = 4
/** A chain that shrank below the floor is taken for real only after this many times `behindMs`. */
const DEEP_PATIENCE = 15

/**
 * Starts to index the contracts' events into the tables of schema `chain`, and follows the chain until closed.
 * Failures of the RPC or the database never end it: it waits, says so in its status, and goes on.
 * @example const index = startIndex({ database, rpcUrl, deployment }); await index.reached(12)
 */
export function startIndex(options: IndexOptions): ChainIndex {
  const { database, deployment, within = {} } = options
  const pollMs = options.pollMs ?? 250
  const finality = options.finality ?? 256
  const behindMs = options.behindMs ?? 2_000
  const longestPauseMs = options.longestPauseMs ?? 30_000
  const rpc = createRpc({
    url: options.rpcUrl,
    timeoutMs: options.timeoutMs ?? 10_000,
    maxBytes: MAX_ANSWER_BYTES,
  })
  const range = createRange()
  const source = createSource(rpc, deployment, range.refused)
  const identity = JSON.stringify([
    deployment.chainId,
    ...nouns.map((noun) => deployment[noun].toLowerCase()),
    deployment.startBlock ?? 0,
  ])

  const listeners: { [K in keyof Listeners]: Set<Listeners[K]> } = {
    applied: new Set(),
    undone: new Set(),
    reset: new Set(),
    moved: new Set(),
    failed: new Set(),
  }
  const waiting = new Set<() => void>()
  let head: Head | undefined
  let latest: Header | undefined
  let headSeenAt: number | undefined
  let state: IndexStatus['state'] = 'starting'
  let lastError: IndexStatus['lastError']
  let behindSince: number | undefined
  let outOfPlace = 0
  /** Whether `head` was seen on the chain since the start or the last failure. */
  let anchored = false
  let closed = false
  let wake = () => {}

  /** Runs `work` in a transaction that holds the index, together with what others do within it. */
  async function commit(work: (session: Session, held: Head) => Promise<Head>, from: Head): Promise<Head> {
    return stand(
      await database.transaction(async (session) => {
        await lockHead(session, from)
        return work(session, from)
      }),
    )
  }

  function stand(at: Head): Head {
    head = at
    for (const check of waiting) check()
    return at
  }

  async function open(): Promise<Head> {
    const seen = await source.chainId()
    if (seen !== deployment.chainId) throw new WrongChain(seen, deployment.chainId)
    const known = await readHead(database)
    if (known?.deployment === identity) return known
    return rebuild()
  }

  async function rebuild(): Promise<Head> {
    const before = (deployment.startBlock ?? 0) - 1
    const start = before < 0 ? undefined : await source.header(before)
    if (before >= 0 && start === undefined) {
      throw new RpcInconsistent(`the chain ends before block ${before}`, { before })
    }
    head = await database.transaction(async (session) => {
      const fresh = await resetIndex(
        session,
        identity,
        start ?? { number: -1, hash: `0x${'0'.repeat(64)}`, time: 0 },
      )
      await within.reset?.(session)
      return fresh
    })
    for (const listener of listeners.reset) listener()
    return head
  }

  async function apply(from: Head, batch: Batch): Promise<Head> {
    const next = await commit(async (session) => {
      let moved = await writeBatch(session, from, batch)
      if (batch.journal && moved.number - finality - moved.floor > FOLLOW_BLOCKS) {
        moved = await pruneBelow(session, moved, moved.number - finality)
      }
      await within.applied?.(session, batch.events, moved)
      return moved
    }, from)
    outOfPlace = 0
    for (const listener of listeners.applied) listener(batch.events, next)
    return next
  }

  async function undo(from: Head, ancestor: BlockMark): Promise<void> {
    await commit(async (session) => {
      const moved = await undoTo(session, from, ancestor)
      await within.undone?.(session, ancestor)
      return moved
    }, from)
    for (const listener of listeners.undone) listener(ancestor)
  }

  /** Finds the newest block that the tables and the chain share, and undoes what is above it. */
  async function reorganise(from: Head, top: number): Promise<void> {
    const ours = await readBlocks(database, Math.min(top, from.number))
    let low = 0
    let high = ours.length
    // Newest first: all above the ancestor differ, all from it down agree.
    while (low < high) {
      const middle = (low + high) >> 1
      const mark = ours[middle]
      if (mark === undefined) break
      const theirs = await source.header(mark.number)
      if (theirs?.hash === mark.hash) high = middle
      else low = middle + 1
    }
    const ancestor = ours[low]
    if (ancestor !== undefined) return undo(from, ancestor)
    fail(new ReorgTooDeep(from.floor))
    await rebuild()
  }

  /** The chain is shorter than the index: a server that lags, or a chain that went back to an older state. */
  async function fallBehind(from: Head, seen: Header): Promise<void> {
    const [mark] = await readBlocks(database, seen.number)
    if (mark?.number === seen.number && mark.hash !== seen.hash) return reorganise(from, seen.number)
    behindSince ??= Date.now()
    const patience = behindMs * (seen.number < from.floor ? DEEP_PATIENCE : 1)
    if (Date.now() - behindSince < patience) return
    behindSince = undefined
    await reorganise(from, seen.number)
  }

  /** Final blocks, many at once, the next range being fetched while one is written. */
  async function backfill(from: Head, last: number): Promise<void> {
    state = 'backfilling'
    let current = from
    let ahead = fetchFinal(source, range.next(current.number + 1, last))
    while (!closed && current.number < last) {
      let part: Awaited<typeof ahead>
      try {
        part = await ahead
      } catch (error) {
        range.refused()
        throw error
      }
      range.took(part.events.length, part.to - part.from + 1)
      const upcoming = part.to < last ? fetchFinal(source, range.next(part.to + 1, last)) : undefined
      // Its failure is met when it is awaited; until then it must not count as unhandled.
      upcoming?.catch(() => {})
      current = await apply(current, { blocks: [part.mark], events: part.events, journal: false })
      if (upcoming === undefined) return
      ahead = upcoming
    }
  }

  /** Blocks near the head, each checked against its parent. */
  async function follow(from: Head, seen: Header): Promise<void> {
    const to = Math.min(seen.number, from.number + FOLLOW_BLOCKS)
    const headers =
      to === from.number + 1 && to === seen.number ? [seen] : await source.headers(from.number + 1, to)
    if (headers[0]?.parent !== from.hash && from.number >= 0) return reorganise(from, seen.number)
    const events = await source.eventsOf(headers)
    await apply(from, { blocks: headers, events, journal: true })
    if (to === seen.number) state = 'following'
  }

  /** One look at the chain; answers whether there is more to do at once. */
  async function step(): Promise<boolean> {
    const seen = await source.latest()
    latest = seen
    headSeenAt = Date.now()
    if (head === undefined || !anchored) {
      const known = head
      head = stand(await open())
      if (known !== undefined && known.hash !== head.hash)
        for (const listener of listeners.moved) listener(head)
    }
    if (seen.number >= head.number) behindSince = undefined
    if (!anchored && head.number >= 0 && seen.number >= head.number) {
      const same = await source.header(head.number)
      if (same?.hash !== head.hash) {
        await reorganise(head, seen.number)
        return true
      }
    }
    anchored = true
    if (seen.number < head.number) {
      await fallBehind(head, seen)
      return false
    }
    if (seen.number === head.number) {
      if (seen.hash !== head.hash) await reorganise(head, seen.number)
      else state = 'following'
      return seen.hash !== head.hash
    }
    if (seen.number - head.number > finality + FOLLOW_BLOCKS) await backfill(head, seen.number - finality)
    else await follow(head, seen)
    return true
  }

  function fail(error: unknown): void {
    const known = error instanceof GatewayFault
    lastError = {
      code: known ? error.code : 'INDEX_FAILED',
      message: error instanceof Error ? error.message : String(error),
      at: Date.now(),
    }
    for (const listener of listeners.failed) listener(error)
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!closed) {
      let pause = pollMs
      try {
        if (await step()) pause = 0
        failures = 0
        if (state === 'following') lastError = undefined
      } catch (error) {
        if (closed) break
        anchored = false
        if (!(error instanceof IndexMoved)) {
          fail(error)
          state = 'stalled'
          failures++
          pause = Math.min(longestPauseMs, pollMs * 2 ** Math.min(failures, 16)) * (0.5 + Math.random() / 2)
        }
        if (error instanceof EventOutOfPlace && ++outOfPlace >= OUT_OF_PLACE_LIMIT) {
          outOfPlace = 0
          range.refused()
          await rebuild().catch(fail)
        }
      }
      if (!closed && pause > 0) await sleep(pause)
    }
    state = 'closed'
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const running = run()

  return {
    status: () => ({
      state,
      head: latest?.number,
      headSeenAt,
      indexed: head === undefined || head.number < 0 ? undefined : head.number,
      time: head?.time,
      lag: latest === undefined ? 0 : Math.max(0, latest.number - (head?.number ?? -1)),
      lastError,
    }),
    on(event, listener) {
      listeners[event].add(listener)
      return () => void listeners[event].delete(listener)
    },
    reached(number) {
      return new Promise((resolve) => {
        const check = () => {
          if (head === undefined || head.number < number) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    },
    async close() {
      closed = true
      rpc.close()
      wake()
      await running
    },
  }
}

interface FinalPart {
  readonly from: number
  readonly to: number
  readonly mark: BlockMark
  readonly events: readonly ChainEvent[]
}

async function fetchFinal(source: Source, wanted: { from: number; to: number }): Promise<FinalPart> {
  const { from } = wanted
  const { to, events } = await source.finalEvents(from, wanted.to)
  const mark = await source.header(to)
  if (mark === undefined) throw new RpcInconsistent(`block ${to} is missing`, { number: to })
  return { from, to, mark, events }
}
