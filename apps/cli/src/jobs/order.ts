import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { addressSchema, bundleRefSchema, hashSchema, jobSchema, publishedOfferSchema } from '@millrace/sdk'
import type { Hash } from 'viem'
import { z } from 'zod'
import type { HomePaths } from '../home/homePaths.ts'
import { type Journal, openJournal } from '../journal/openJournal.ts'
import { readPidFile, takePidFile } from '../processes/pidFile.ts'
import {
  LeaseAmbiguousError,
  LeaseNotOursError,
  OrderDamagedError,
  OrderExistsError,
  OrderWriteError,
} from './errors.ts'

const amount = z.string().regex(/^\d+$/)
const at = z.number()

/** What is settled before money moves; never changes. */
const plannedSchema = z.object({
  type: z.literal('planned'),
  at,
  lease: hashSchema,
  network: z.string(),
  wallet: z.string(),
  buyer: addressSchema,
  /** The offer as it travels. It was checked when it came, and is again when it is read. */
  published: z.unknown(),
  currency: z.object({ address: addressSchema, symbol: z.string(), decimals: z.number().int() }),
  /** Seconds that are paid for in advance. */
  duration: z.number().int().positive(),
  /** Most that it can cost, in base units. */
  maxCost: amount,
  job: jobSchema,
  bundle: bundleRefSchema.nullable(),
  /** Where outputs go, absolute. */
  outputDir: z.string(),
})

const stepSchema = z.discriminatedUnion('type', [
  plannedSchema,
  /** The transaction that opens the lease is about to leave. */
  z.object({ type: z.literal('opening'), at }),
  z.object({ type: z.literal('opened'), at, transaction: hashSchema }),
  /** A reorganisation dropped the lease; the deposit is in the till account again. */
  z.object({ type: z.literal('vanished'), at }),
  z.object({ type: z.literal('accepted'), at }),
  z.object({ type: z.literal('running'), at, startedAt: z.number() }),
  z.object({ type: z.literal('extended'), at, added: z.number().int(), maxCost: amount }),
  z.object({
    type: z.literal('ended'),
    at,
    state: z.string(),
    exitCode: z.number().nullable(),
    reason: z.string().nullable(),
  }),
  /** The transaction that stops the lease is about to leave. */
  z.object({ type: z.literal('stopping'), at, reason: z.string() }),
  z.object({
    type: z.literal('fetched'),
    at,
    files: z.array(z.object({ path: z.string(), size: z.number(), sha256: hashSchema })),
  }),
  z.object({ type: z.literal('settled'), at, earned: amount, refunded: amount, seconds: z.number() }),
  z.object({ type: z.literal('receipt'), at, path: z.string(), acknowledged: z.boolean() }),
  /** It came to nothing: never opened, or everything was given back. */
  z.object({ type: z.literal('abandoned'), at, reason: z.string() }),
])
export type OrderStep = z.infer<typeof stepSchema>
export type OrderTerms = z.infer<typeof plannedSchema>

/** Where an order stands, from its steps alone. */
export interface OrderState {
  readonly terms: OrderTerms
  readonly opening: boolean
  readonly opened: boolean
  readonly accepted: boolean
  readonly startedAt: number | null
  /** Seconds that were added. */
  readonly added: number
  readonly maxCost: bigint
  readonly ended: Extract<OrderStep, { type: 'ended' }> | null
  readonly stopping: string | null
  readonly fetched: Extract<OrderStep, { type: 'fetched' }> | null
  readonly settled: { readonly earned: bigint; readonly refunded: bigint; readonly seconds: number } | null
  readonly receipt: Extract<OrderStep, { type: 'receipt' }> | null
  readonly abandoned: string | null
}

/** One lease that we ordered: its steps are written down before and after each that moves money. */
export interface Order {
  readonly lease: Hash
  readonly folder: string
  readonly state: OrderState
  /** Writes a step down, durably, before it returns. */
  note(step: OrderStep): void
  /** A file of this order. */
  file(name: 'bundle.tgz' | 'log' | 'outputs.tar' | 'receipt.json' | 'haggle.json'): string
  close(): void
}

function reduce(state: OrderState, step: OrderStep): OrderState {
  switch (step.type) {
    case 'planned':
      return state
    case 'opening':
      return { ...state, opening: true }
    case 'opened':
      return { ...state, opened: true }
    case 'vanished':
      return { ...state, opened: false, accepted: false, startedAt: null }
    case 'accepted':
      return { ...state, accepted: true }
    case 'running':
      return { ...state, startedAt: step.startedAt }
    case 'extended':
      return { ...state, added: state.added + step.added, maxCost: BigInt(step.maxCost) }
    case 'ended':
      return { ...state, ended: step }
    case 'stopping':
      return { ...state, stopping: step.reason }
    case 'fetched':
      return { ...state, fetched: step }
    case 'settled':
      return {
        ...state,
        settled: {
          earned: BigInt(step.earned),
          refunded: BigInt(step.refunded),
          seconds: step.seconds,
        },
      }
    case 'receipt':
      return { ...state, receipt: step }
    case 'abandoned':
      return { ...state, abandoned: step.reason }
    default:
      return step satisfies never
  }
}

const initial = (terms: OrderTerms): OrderState => ({
  terms,
  opening: false,
  opened: false,
  accepted: false,
  startedAt: null,
  added: 0,
  maxCost: BigInt(terms.maxCost),
  ended: null,
  stopping: null,
  fetched: null,
  settled: null,
  receipt: null,
  abandoned: null,
})

const journalPath = (folder: string) => join(folder, 'order.log')

function openSteps(folder: string): Journal<OrderStep> {
  const path = journalPath(folder)
  return openJournal<OrderStep>({
    path,
    read(json) {
      const parsed = stepSchema.safeParse(json)
      return parsed.success ? { entry: parsed.data } : 'it is not a step of an order'
    },
    onDamage: (line, reason) => new OrderDamagedError({ path, line, reason }),
    onWriteError: (cause) => new OrderWriteError({ path, cause }),
  })
}

function orderOf(folder: string, lease: Hash, journal: Journal<OrderStep>): Order | null {
  const [first, ...rest] = journal.entries
  if (first?.type !== 'planned') return null
  let state = rest.reduce(reduce, initial(first))
  return {
    lease,
    folder,
    get state() {
      return state
    },
    note(step) {
      journal.append([step])
      state = reduce(state, step)
    },
    file: (name) => join(folder, name),
    close: () => journal.close(),
  }
}

/**
 * Writes a new order down. It costs nothing until its `opening` step. Its folder is made by one process only, so of two
 * jobs that choose the same offer at once one gets it. What a process left that was killed before it paid is taken over.
 *
 * @throws OrderExistsError if an order of this offer is there already; it belongs to another job. OrderWriteError.
 */
export function createOrder(paths: HomePaths, terms: OrderTerms): Order {
  const { lease } = terms
  const folder = join(paths.leases, lease)
  mkdirSync(paths.leases, { recursive: true, mode: 0o700 })
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
      throw new OrderWriteError({ path: journalPath(folder), cause })
    if (!takeOver(paths, lease)) throw new OrderExistsError({ lease, cause })
  }
  takePidFile(pidPath(folder))
  const journal = openSteps(folder)
  try {
    journal.append([terms])
  } finally {
    journal.close()
  }
  return openOrder(paths, lease)
}

const pidPath = (folder: string) => join(folder, 'order.pid')
/** Milliseconds in which a process that made a folder has also said so there. */
const makingMs = 60_000

/** Empties the folder of an order whose process was killed before anything was paid; `false` if it is anything else. */
function takeOver(paths: HomePaths, lease: Hash): boolean {
  const folder = join(paths.leases, lease)
  if (readPidFile(pidPath(folder)) !== null) return false
  if (existsSync(journalPath(folder))) {
    const order = openOrder(paths, lease)
    order.close()
    if (order.state.opening) return false
  } else if (Date.now() - statSync(folder).mtimeMs < makingMs) return false
  if (takePidFile(pidPath(folder)) !== null) return false
  for (const name of readdirSync(folder))
    if (join(folder, name) !== pidPath(folder)) rmSync(join(folder, name), { recursive: true, force: true })
  return true
}

/** Removes an order that this process made and whose lease was never about to be opened. Others are kept. */
export function dropOrder(order: Order): void {
  if (!order.state.opening) rmSync(order.folder, { recursive: true, force: true })
}

/**
 * Opens an order by its lease.
 *
 * @throws LeaseNotOursError, OrderDamagedError
 */
export function openOrder(paths: HomePaths, lease: Hash): Order {
  const folder = join(paths.leases, lease)
  if (!existsSync(journalPath(folder))) throw new LeaseNotOursError({ prefix: lease })
  const journal = openSteps(folder)
  const order = orderOf(folder, lease, journal)
  if (order !== null) return order
  journal.close()
  throw new LeaseNotOursError({ prefix: lease })
}

/** All orders of this home, newest first. Damaged ones are left out. */
export function listOrders(paths: HomePaths): readonly OrderState[] {
  if (!existsSync(paths.leases)) return []
  return readdirSync(paths.leases)
    .flatMap((name) => {
      const parsed = hashSchema.safeParse(name)
      if (!parsed.success) return []
      try {
        const order = openOrder(paths, parsed.data)
        order.close()
        return [order.state]
      } catch {
        return []
      }
    })
    .sort((a, b) => b.terms.at - a.terms.at)
}

/**
 * Finds a lease of ours by the first digits of its id.
 *
 * @throws LeaseNotOursError, LeaseAmbiguousError
 */
export function findLease(paths: HomePaths, prefix: string): Hash {
  const wanted = `0x${prefix.toLowerCase().replace(/^0x/, '')}`
  const found = listOrders(paths)
    .map(({ terms }) => terms.lease)
    .filter((lease) => lease.startsWith(wanted))
  const [only] = found
  if (only === undefined) throw new LeaseNotOursError({ prefix })
  if (found.length > 1) throw new LeaseAmbiguousError({ prefix, found })
  return only
}

/** The offer of an order, checked again. */
export const offerOf = (terms: OrderTerms) => publishedOfferSchema.parse(terms.published)

/** First digits of a lease's id, enough for people. */
export const shortLease = (lease: string): string => lease.slice(0, 10)
