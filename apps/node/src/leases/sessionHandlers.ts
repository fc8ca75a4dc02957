import { open } from 'node:fs/promises'
import {
  type BundleRef,
  bulkBytes,
  bundleRefSchema,
  type DeviceSession,
  hashJob,
  hashReceipt,
  hashSchema,
  jobSchema,
  receiptSchema,
  recoverSigner,
  type SessionHandler,
  signatureSchema,
} from '@millrace/sdk'
import { type Hex, isAddressEqual } from 'viem'
import { z } from 'zod'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import { checkTask } from '../runners/sandbox/job/checkTask.ts'
import type { Log } from '../start/log.ts'
import type { BundleStore } from './bundleStore.ts'
import { checkBundle } from './checkBundle.ts'
import { checkJob } from './checkJob.ts'
import {
  BundleMissingError,
  BuyerSignatureError,
  DiskFullError,
  FilesGoneError,
  JobExistsError,
  JobRefusedError,
  LogStreamsError,
  NotReadyError,
  RequestInvalidError,
} from './errors.ts'
import type { LeaseKeeper } from './leaseKeeper.ts'
import type { LeaseTable } from './leaseTable.ts'
import { type RunnerCaps, runnerTask } from './runnerTask.ts'

export interface HandlerContext {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly journal: NodeJournal
  readonly leases: LeaseTable
  /** The store of a lease's bundle. */
  readonly bundles: (lease: Hex) => BundleStore
  readonly caps: RunnerCaps
  /** Why no new work is taken, or `null`. */
  readonly refusal: () => string | null
  readonly log: Log
}

const MIB = 1024 * 1024
/** Logs that one session may read at a time: each holds files open and is polled for. */
const LOG_STREAMS_MAX = 4
const empty = z.object({}).nullish()
const pieceSchema = z.strictObject({ hash: hashSchema, offset: z.int().nonnegative() })
const startSchema = z.strictObject({ job: jobSchema, bundle: bundleRefSchema.nullable() })
const logsSchema = z.strictObject({ from: z.int().nonnegative(), follow: z.boolean() })
const rangeSchema = z.strictObject({
  offset: z.int().nonnegative(),
  length: z.int().min(1).max(bulkBytes),
})
const acknowledgeSchema = z.strictObject({ signature: signatureSchema })

function read<S extends z.ZodType>(schema: S, method: string, params: unknown): z.output<S> {
  const result = schema.safeParse(params)
  if (result.success) return result.data
  throw new RequestInvalidError({
    method,
    issues: result.error.issues.map((issue) => `${issue.path.join('.') || 'params'}: ${issue.message}`),
  })
}

/**
 * Answers what a buyer asks in a session (§6 of the protocol). The session's hello was verified: its lease, if it names
 * one, is ours and the signer is its buyer.
 */
export function sessionHandlers(context: HandlerContext): Readonly<Record<string, SessionHandler>> {
  const { chain, clock, journal, leases, bundles } = context
  /** What `bundle.status` announced, by lease: pieces name only the hash. */
  const announced = new Map<Hex, BundleRef>()
  /** Logs that a session reads now. */
  const streaming = new WeakMap<DeviceSession, number>()

  async function keeperOf(session: DeviceSession): Promise<LeaseKeeper> {
    // The SDK lets no method that uses this through without a lease.
    return leases.adopt(session.hello.lease ?? '0x')
  }

  async function signedReceipt(keeper: LeaseKeeper) {
    const stored = keeper.record?.receipt
    if (stored === null || stored === undefined) {
      throw new NotReadyError({ what: 'receipt', state: (await keeper.status()).state })
    }
    return { receipt: stored.receipt, device: stored.device, buyer: stored.buyer }
  }

  return {
    ping: () => ({ result: { now: Math.floor(clock.now()), chainId: chain.chainId } }),

    'bundle.status': async ({ method, params, session }) => {
      const bundle = read(bundleRefSchema, method, params)
      const keeper = await keeperOf(session)
      announced.set(keeper.lease, bundle)
      const received = hasRun(keeper, bundle) ? bundle.size : await bundles(keeper.lease).received(bundle)
      return { result: { received } }
    },

    'bundle.write': async ({ method, params, body, session }) => {
      const piece = read(pieceSchema, method, params)
      const keeper = await keeperOf(session)
      const bundle = announced.get(keeper.lease)
      if (bundle === undefined || bundle.hash !== piece.hash) {
        throw new RequestInvalidError({
          method,
          issues: ['hash: announce the bundle with bundle.status first'],
        })
      }
      const { record, lease } = keeper
      if (record === undefined || record.over !== null) {
        throw new JobRefusedError({ lease, reason: 'it is over' })
      }
      if (record.refused !== null) throw new JobRefusedError({ lease, reason: record.refused.message })
      if (hasRun(keeper, bundle)) return { result: { received: bundle.size } }
      // The bundle of an accepted job stays as it is; a piece of it sent again writes nothing.
      if (record.job !== null && record.job.bundle?.hash !== bundle.hash) {
        throw new JobExistsError({ lease, hash: record.job.hash })
      }
      const refusal = context.refusal()
      if (refusal !== null) throw new JobRefusedError({ lease, reason: refusal, retryable: true })
      try {
        return { result: { received: await bundles(lease).write(bundle, piece.offset, body) } }
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        throw code === 'ENOSPC' || code === 'EDQUOT' ? new DiskFullError({ cause }) : cause
      }
    },

    'job.start': async ({ method, params, session }) => {
      const { job, bundle } = read(startSchema, method, params)
      const keeper = await keeperOf(session)
      const { record, lease } = keeper
      if (record === undefined) throw new JobRefusedError({ lease, reason: 'it is over' })
      const hash = hashJob(job, bundle?.hash ?? null)
      if (record.job !== null) {
        if (record.job.hash !== hash) throw new JobExistsError({ lease, hash: record.job.hash })
        return { result: await keeper.status() }
      }
      if (record.over !== null) throw new JobRefusedError({ lease, reason: 'it is over' })
      const refusal = context.refusal()
      if (refusal !== null) throw new JobRefusedError({ lease, reason: refusal, retryable: true })
      checkJob(job, record.spec)
      const accepted = { ...record, job: { job, bundle, hash } }
      checkTask(
        runnerTask(accepted, { bundle: null, deadline: Math.floor(clock.now()) + 1, caps: context.caps }),
      )
      if (bundle !== null) {
        const store = bundles(lease)
        const path = await store.path(bundle)
        if (path === null) {
          throw new BundleMissingError({ ...bundle, received: await store.received(bundle) })
        }
        // Before the clock starts: nobody should pay for a bundle that cannot be unpacked.
        await checkBundle({
          bundle: path,
          maxBytes: record.spec.diskMiB * MIB,
          maxEntries: context.caps.inodes,
        })
      }
      // Another start may have come first, or the lease ended, while the bundle was looked at.
      if (keeper.record === undefined || keeper.record.over !== null) {
        throw new JobRefusedError({ lease, reason: 'it is over' })
      }
      if (keeper.record.job === null) {
        await journal.note({ type: 'job.accepted', lease, job, bundle, hash })
      }
      // The first one noted is the job.
      const first = keeper.record?.job ?? null
      if (first !== null && first.hash !== hash) throw new JobExistsError({ lease, hash: first.hash })
      keeper.wake()
      return { result: await keeper.status() }
    },

    'job.status': async ({ method, params, session }) => {
      read(empty, method, params)
      return { result: await (await keeperOf(session)).status() }
    },

    'job.stop': async ({ method, params, session }) => {
      read(empty, method, params)
      const keeper = await keeperOf(session)
      await keeper.stopJob('the buyer stopped the job')
      return { result: await keeper.status() }
    },

    'logs.read': async ({ method, params, session }) => {
      const { from, follow } = read(logsSchema, method, params)
      const keeper = await keeperOf(session)
      if (keeper.record?.run.state === 'ended' && (await keeper.findJob()) === null) {
        throw new FilesGoneError({ lease: keeper.lease, what: 'log' })
      }
      const streams = streaming.get(session) ?? 0
      if (streams >= LOG_STREAMS_MAX) throw new LogStreamsError({ streams, allowed: LOG_STREAMS_MAX })
      streaming.set(session, streams + 1)
      void streamLog(keeper, session, { from, follow })
        .catch((error: unknown) => {
          context.log.debug({ event: 'logs.ended', lease: keeper.lease, error: String(error) })
        })
        .finally(() => streaming.set(session, (streaming.get(session) ?? 1) - 1))
      return { result: { next: from } }
    },

    'outputs.list': async ({ method, params, session }) => {
      read(empty, method, params)
      const keeper = await keeperOf(session)
      const outputs = (await keeper.result())?.outputs
      if (outputs === undefined || outputs === null) {
        throw new NotReadyError({ what: 'list of outputs', state: (await keeper.status()).state })
      }
      return { result: { files: outputs.files, archive: { size: outputs.size, hash: outputs.sha256 } } }
    },

    'outputs.read': async ({ method, params, session }) => {
      const { offset, length } = read(rangeSchema, method, params)
      const keeper = await keeperOf(session)
      const outputs = (await keeper.result())?.outputs
      if (outputs === undefined || outputs === null) {
        throw new NotReadyError({ what: 'output', state: (await keeper.status()).state })
      }
      const file = await open(outputs.archive, 'r').catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOENT' ? new FilesGoneError({ lease: keeper.lease, what: 'output' }) : error
      })
      try {
        const body = new Uint8Array(Math.max(0, Math.min(length, outputs.size - offset)))
        const { bytesRead } = await file.read(body, 0, body.length, offset)
        return { result: { offset }, body: body.subarray(0, bytesRead) }
      } finally {
        await file.close()
      }
    },

    'receipt.get': async ({ method, params, session }) => {
      read(empty, method, params)
      return { result: await signedReceipt(await keeperOf(session)) }
    },

    'receipt.acknowledge': async ({ method, params, session }) => {
      const { signature } = read(acknowledgeSchema, method, params)
      const keeper = await keeperOf(session)
      const signed = await signedReceipt(keeper)
      const digest = hashReceipt(receiptSchema.parse(signed.receipt), {
        chainId: chain.chainId,
        market: chain.contracts.market,
      })
      const buyer = signed.receipt.buyer as Hex
      const signer = await recoverSigner(digest, signature)
      const good =
        signer !== null && isAddressEqual(signer, buyer)
          ? true
          : await chain.client.verifyHash({ address: buyer, hash: digest, signature }).catch(() => false)
      if (!good) throw new BuyerSignatureError({ what: 'receipt', buyer })
      if (signed.buyer === null) {
        await journal.note({ type: 'receipt.acknowledged', lease: keeper.lease, signature })
      }
      return { result: await signedReceipt(keeper) }
    },
  }
}

/** Whether the job of `bundle` has ended: nothing more of the bundle is needed, and it is not kept. */
function hasRun(keeper: LeaseKeeper, bundle: BundleRef): boolean {
  const { record } = keeper
  return (
    record?.job?.bundle?.hash === bundle.hash && (record.run.state === 'ended' || record.run.state === 'lost')
  )
}

async function streamLog(
  keeper: LeaseKeeper,
  session: DeviceSession,
  options: { from: number; follow: boolean },
): Promise<void> {
  const over = new AbortController()
  void session.closed.then(() => over.abort())
  let offset = options.from
  // Who follows from the first second may come before the job is begun.
  while (keeper.job === null && options.follow && !over.signal.aborted && mayStillRun(keeper)) {
    await keeper.changed({ abort: over.signal })
  }
  const job = await keeper.findJob()
  if (job !== null) {
    for await (const chunk of job.readLog({ from: offset, follow: options.follow, signal: over.signal })) {
      await session.emit('log', { offset: chunk.offset, stream: chunk.stream }, chunk.bytes)
      offset = chunk.offset + chunk.bytes.length
    }
  }
  if (!over.signal.aborted) await session.emit('log.end', { offset })
}

function mayStillRun(keeper: LeaseKeeper): boolean {
  const { record } = keeper
  if (record === undefined || record.refused !== null) return false
  const { state } = record.run
  if (state === 'launching' || state === 'launched') return true
  return state === 'none' && record.over === null
}
