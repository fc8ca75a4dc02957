import type { Database, Session } from '../database/Database.ts'
import type { ChainEvent } from './events.ts'
import type { Contracts } from './source.ts'
import type { BlockMark } from './store.ts'

/** Which chain and contracts are indexed. */
export interface IndexedDeployment extends Contracts {
  readonly chainId: number
  /** First block that can hold an event; 0 where unknown. */
  readonly startBlock?: number
}

/** What else is to change in the very transaction in which the index changes. */
export interface Within {
  /** After the events of these blocks were applied. */
  readonly applied?: (session: Session, events: readonly ChainEvent[], head: BlockMark) => Promise<void>
  /** After every block above `ancestor` was undone. */
  readonly undone?: (session: Session, ancestor: BlockMark) => Promise<void>
  /** After the index was emptied, to be made again from the chain. */
  readonly reset?: (session: Session) => Promise<void>
}

/** How and where the index runs. */
export interface IndexOptions {
  readonly database: Database
  readonly rpcUrl: string
  readonly deployment: IndexedDeployment
  /** Pause between two looks at the chain's head, milliseconds. @default 250 */
  readonly pollMs?: number
  /** Blocks below the head that can be undone; older ones count as final. @default 256 */
  readonly finality?: number
  /** How long the chain may be shorter than the index before it counts as rolled back, milliseconds. @default 2000 */
  readonly behindMs?: number
  /** For one RPC request, milliseconds. @default 10000 */
  readonly timeoutMs?: number
  /** Longest pause after failures, milliseconds. @default 30000 */
  readonly longestPauseMs?: number
  readonly within?: Within
}

/** What the index knows of itself. */
export interface IndexStatus {
  readonly state: 'starting' | 'backfilling' | 'following' | 'stalled' | 'closed'
  /** Newest block the RPC told of, and when (Unix milliseconds); undefined before the first answer. */
  readonly head: number | undefined
  readonly headSeenAt: number | undefined
  /** Newest block in the tables; undefined before the first. */
  readonly indexed: number | undefined
  /** Time of that block, Unix seconds. */
  readonly time: number | undefined
  /** Blocks that the chain is ahead. */
  readonly lag: number
  readonly lastError: { readonly code: string; readonly message: string; readonly at: number } | undefined
}

/** What can be listened to. */
export interface Listeners {
  /** New blocks are in the tables. */
  readonly applied: (events: readonly ChainEvent[], head: BlockMark) => void
  /** Blocks above `ancestor` are gone from the tables. */
  readonly undone: (ancestor: BlockMark) => void
  /** The tables were emptied and are filled again. */
  readonly reset: () => void
  /** Another gateway on the same database moved the tables; its blocks are told to its own listeners only. */
  readonly moved: (head: BlockMark) => void
  readonly failed: (error: unknown) => void
}

/** A running index. */
export interface ChainIndex {
  readonly status: () => IndexStatus
  /** Listens after the commit; returns how to stop. A listener must not throw. */
  on<K extends keyof Listeners>(event: K, listener: Listeners[K]): () => void
  /** Waits until the tables hold block `number`. */
  reached(number: number): Promise<void>
  close(): Promise<void>
}
