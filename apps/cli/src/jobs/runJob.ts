import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type BundleRef, publishedOfferToJson } from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import type { Task } from '../tasks/task.ts'
import { bundleWorkdir } from './bundleWorkdir.ts'
import { createMachineCheck } from './createMachineCheck.ts'
import { driveOrder } from './driveOrder.ts'
import { JobNotStartedError, NoMachineError, OrderExistsError } from './errors.ts'
import type { JobEvent, OnJobEvent } from './events.ts'
import type { JobSummary } from './finishOrder.ts'
import { fundLease } from './fundLease.ts'
import { hagglePlan } from './hagglePlan.ts'
import { writeHaggleRecord } from './haggleRecord.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import { createOrder, dropOrder, type Order, type OrderTerms } from './order.ts'
import { type Candidate, fundsFor, type JobPlan, jobOf, planAgreed, planJob } from './planJob.ts'

export interface RunJobOptions {
  readonly connection: Connection
  readonly buyer: OpenAccount
  readonly task: Task
  /** Seconds to pay for in advance; what is not used comes back. Default one hour. */
  readonly duration?: number
  /** Seconds after which the machine ends the job. Default: the lease's end. */
  readonly timeout?: number
  /** More terms of the query, `gpu_ram>=40 region=eu-west`. */
  readonly where?: string
  /** Which offer is best. Default `price`. */
  readonly order?: string
  /** Where outputs go. Default `millrace-out/<name>` in the current folder. */
  readonly outputDir?: string
  /** Challenges a machine before it is hired; one that fails or delivers less than it claims is passed over. */
  readonly challenge?: boolean
  /** Haggles with the best machines for a lower price before the plan is made; `reserve` as in `hagglePlan`. */
  readonly haggle?: { readonly reserve: string | null }
  /** Takes what `hagglePlan` agreed on before, and no machine that costs more. */
  readonly agreed?: Candidate
  /** Called with the plan before any money moves; throws to decline. */
  readonly approve: (plan: JobPlan) => Promise<void>
  /** Called before each lease that is paid for, the next one after a machine that failed too; throws to decline. */
  readonly authorize?: (candidate: Candidate) => Promise<void>
  readonly onEvent?: OnJobEvent
  /** Leaves the job running. */
  readonly detach?: AbortSignal
  /** Stops the lease. */
  readonly stop?: AbortSignal
}

/** A summary with what a person waits for: milliseconds from the order to the start and to the first line of the log. */
export interface RunJobResult extends JobSummary {
  readonly startMs: number | null
  readonly firstLogMs: number | null
}

const usualDuration = 3600
const never = new AbortController().signal

/**
 * Runs a job on the best machine that fits: shows the plan, moves the money, sends the files, streams the log, stops the
 * lease at the job's end, fetches the outputs and acknowledges the receipt. A machine that does not start the job gives
 * the money back and is not asked again; the next one is.
 *
 * @throws NoOfferError, AgreementUnfitError, NotEnoughMoneyError, NoMachineError, InterruptedError, and what `approve` and `authorize` throw
 */
export async function runJob(options: RunJobOptions): Promise<RunJobResult> {
  const { connection, buyer, task } = options
  const emit = options.onEvent ?? (() => {})
  const scratch = makeScratch(connection)
  try {
    const bundlePath = join(scratch, 'bundle.tgz')
    const bundled = task.workdir === null ? null : await bundleWorkdir(task.workdir, bundlePath)
    if (bundled !== null)
      emit({ event: 'bundled', files: bundled.files, bytes: bundled.unpacked, packed: bundled.size })
    const bundle: BundleRef | null = bundled === null ? null : { hash: bundled.hash, size: bundled.size }

    const banned = new Set<Address>()
    /** Offers that another job of this home ordered. */
    const taken = new Set<Hash>()
    const tried: { lease: string; reason: string }[] = []
    /** Offers of which was said why they do not hold. */
    const said = new Set<Hash>()
    const check =
      options.challenge === true
        ? createMachineCheck(connection, { device: task.needs.gpus.length > 0 ? 'gpu' : 'cpu', emit })
        : async () => null
    /** Whether a machine may be hired; one that may not is not asked again. */
    const passes = async ({ offer: { listing } }: Candidate): Promise<boolean> => {
      const reason = await check(listing)
      if (reason === null) return true
      tried.push({ lease: listing.id, reason })
      banned.add(listing.published.spec.device)
      return false
    }
    /** The best machines that fit and were not found wanting. */
    const plan = async (): Promise<JobPlan> => {
      for (;;) {
        const found = await planJob(connection, {
          account: buyer.account.address,
          needs: task.needs,
          where: options.where ?? '',
          order: options.order ?? 'price',
          duration: options.duration ?? usualDuration,
          banned,
        })
        for (const { offer, reason } of found.refused)
          if (!said.has(offer)) emit({ event: 'passed-over', offer, reason })
        for (const { offer } of found.refused) said.add(offer)
        if (await passes(found.candidates[0])) return found
      }
    }
    const planFirst = async (): Promise<JobPlan> => {
      const { agreed, haggle, where = '', duration = null } = options
      const account = buyer.account.address
      if (agreed !== undefined)
        return planAgreed(connection, agreed, { account, needs: task.needs, where, duration })
      const listed = await plan()
      return haggle === undefined
        ? listed
        : hagglePlan(connection, listed, { buyer, emit, reserve: haggle.reserve })
    }
    const first = await planFirst()
    emit({ event: 'planned', plan: first })
    await options.approve(first)
    // What was agreed to is the most that is ever put down.
    const { maxCost: limit, offer: agreed } = first.candidates[0]

    // Time counts from the moment the person has said yes.
    const startedAt = performance.now()
    const marks = { startMs: null as number | null, firstLogMs: null as number | null }
    const onEvent = (event: JobEvent) => {
      if (event.event === 'state' && marks.startMs === null && startedStates.has(event.state))
        marks.startMs = event.ms
      if (event.event === 'log' && event.stream !== 'system' && marks.firstLogMs === null)
        marks.firstLogMs = event.ms
      emit(event)
    }
    const context: JobContext = {
      connection,
      buyer,
      onEvent,
      detach: options.detach ?? never,
      stop: options.stop ?? never,
      startedAt,
    }
    let candidates: readonly Candidate[] = first.candidates
    for (;;) {
      const candidate = candidates.find(
        ({ offer: { listing }, maxCost }) =>
          maxCost <= limit &&
          // Amounts in another currency mean something else.
          isAddressEqual(listing.published.currency, agreed.currency.address) &&
          !taken.has(listing.id) &&
          !banned.has(listing.published.spec.device),
      )
      if (candidate === undefined) throw new NoMachineError({ tried })
      if (!(await passes(candidate))) continue
      let order: Order
      try {
        order = createOrder(connection.paths, termsOf(options, candidate, bundle))
      } catch (error) {
        if (!(error instanceof OrderExistsError)) throw error
        const lease = candidate.offer.listing.id
        tried.push({ lease, reason: error.message })
        taken.add(lease)
        continue
      }
      try {
        await options.authorize?.(candidate)
        const { haggle: messages, offer } = candidate
        if (messages !== undefined) writeHaggleRecord(order, { messages, published: offer.listing.published })
        // One file under two names: another attempt may need it again.
        if (bundle !== null) linkSync(bundlePath, order.file('bundle.tgz'))
        const funds = await fundsFor(connection, buyer.account.address, candidate)
        await fundLease(connection, { buyer, currency: candidate.offer.currency, funds, onEvent })
        return { ...(await driveOrder(context, order)), ...marks }
      } catch (error) {
        if (!(error instanceof JobNotStartedError) || context.stop.aborted) throw error
        tried.push({ lease: order.lease, reason: error.message })
        banned.add(candidate.offer.listing.published.spec.device)
        // Others may have come and gone meanwhile.
        candidates = (await plan().catch(() => null))?.candidates ?? []
      } finally {
        order.close()
        // Nothing was paid: the offer is free for the next job.
        dropOrder(order)
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const startedStates = new Set<string>(['setup', 'running', 'collecting', 'done', 'failed'])

function makeScratch({ paths }: Connection): string {
  // In the same file system as the orders, so that the bundle is moved and not copied.
  mkdirSync(paths.leases, { recursive: true, mode: 0o700 })
  return mkdtempSync(join(paths.leases, '.new-'))
}

function termsOf(options: RunJobOptions, candidate: Candidate, bundle: BundleRef | null): OrderTerms {
  const { connection, buyer, task } = options
  const { listing, currency } = candidate.offer
  const { address, symbol, decimals } = currency
  return {
    type: 'planned',
    at: unixNow(),
    lease: listing.id,
    network: connection.network,
    wallet: buyer.wallet,
    buyer: buyer.account.address,
    published: publishedOfferToJson(listing.published),
    currency: { address, symbol, decimals },
    duration: candidate.duration,
    maxCost: candidate.maxCost.toString(),
    job: jobOf(task, listing.published.spec, options.timeout ?? null),
    bundle,
    outputDir: resolve(options.outputDir ?? join('millrace-out', safeName(task.name))),
  }
}

const safeName = (name: string) => name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '') || 'job'
