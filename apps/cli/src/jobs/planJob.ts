import {
  getBalance,
  type HaggleMessage,
  type Job,
  type JobResources,
  matches,
  parseQuery,
  priceUp,
  type Spec,
} from '@millrace/sdk'
import type { Address } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { type FoundOffer, findOffers } from '../offers/findOffers.ts'
import { keepValidOffers, type RefusedOffer } from '../offers/keepValidOffers.ts'
import { formatAmount, formatDecimal } from '../output/amounts.ts'
import type { Needs, Task } from '../tasks/task.ts'
import { AgreementUnfitError, NoOfferError, NotEnoughMoneyError } from './errors.ts'
import { unixNow } from './jobContext.ts'

/** A machine that would do, and what it would cost. */
export interface Candidate {
  readonly offer: FoundOffer
  /** Seconds that are paid for in advance; what is not used comes back. */
  readonly duration: number
  /** Most that it can cost, in base units. */
  readonly maxCost: bigint
  /** The messages by which its price was agreed on; absent at list price. */
  readonly haggle?: readonly HaggleMessage[]
}

/** What `run` is about to do, before any money moves. */
export interface JobPlan {
  /** All that fit, best first. The first is taken; the others are tried if it does not start the job. */
  readonly candidates: readonly [Candidate, ...Candidate[]]
  readonly query: string
  /** Why the first one. */
  readonly reason: string
  readonly funds: FundsNeeded
  /** Offers that were listed and do not hold on chain. */
  readonly refused: readonly RefusedOffer[]
}

/** What has to be moved so that the lease can be opened, in base units. */
export interface FundsNeeded {
  readonly till: bigint
  readonly wallet: bigint
  /** To deposit from the wallet into the till account. */
  readonly deposit: bigint
  /** Whether the market has to be allowed to lock deposits of this account. */
  readonly approveMarket: boolean
}

export interface PlanJobOptions {
  readonly account: Address
  readonly needs: Needs
  /** More terms of the query. */
  readonly where: string
  readonly order: string
  /** Seconds to pay for in advance. */
  readonly duration: number
  /** Devices that failed and are not asked again. */
  readonly banned: ReadonlySet<Address>
}

const mostCandidates = 8
/** Seconds that an offer must still live to be taken. */
const leastLife = 10

/**
 * Finds the machines that fit and says what hiring the best of them takes.
 *
 * @throws NoOfferError, NotEnoughMoneyError, QueryError and what the gateway says
 */
export async function planJob(connection: Connection, options: PlanJobOptions): Promise<JobPlan> {
  const { account, needs, where, duration, banned } = options
  const queries = queriesOf(needs, where)
  const shown = queries.join('  or  ')
  // Fails on a mistake before anything else does.
  for (const query of queries) parseQuery(query)
  const found = await Promise.all(
    queries.map((query) =>
      findOffers(connection, { query, order: options.order, limit: 50, buyer: account }),
    ),
  )
  const soon = unixNow() + leastLife
  const listed = found
    .flatMap(({ offers }) => offers)
    .filter(({ listing }) => !banned.has(listing.published.spec.device))
    // Paying takes a moment; an offer that expires meanwhile is refused by the chain.
    .filter(({ listing }) => listing.published.offer.expiry > soon)
  // Several queries were asked: their answers are put into one order of price.
  if (queries.length > 1) listed.sort((a, b) => (a.row.price ?? 0) - (b.row.price ?? 0))
  // Before the newest are chosen, so that a forged one never takes the place of one that holds. Each may be there twice.
  const { valid, refused } = await keepValidOffers(connection, listed, { most: 2 * mostCandidates })
  const fitting = newestOfEach(valid)
  const candidates = fitting
    .filter(({ listing }) => listing.published.offer.minDuration <= listing.published.offer.maxDuration)
    .map((offer): Candidate => {
      const { minDuration, maxDuration, pricePerHour } = offer.listing.published.offer
      const seconds = Math.min(Math.max(duration, minDuration), maxDuration)
      return { offer, duration: seconds, maxCost: priceUp(pricePerHour, seconds) }
    })
  const [first, ...rest] = candidates.slice(0, mostCandidates)
  const reasons = [
    ...(banned.size === 0 ? [] : [`${banned.size} machine(s) failed and are not asked again`]),
    ...refused.map(({ offer, reason }) => `${offer.slice(0, 10)} does not hold (${reason})`),
  ]
  if (first === undefined)
    throw new NoOfferError({
      query: shown,
      ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    })
  return {
    candidates: [first, ...rest],
    query: shown,
    reason:
      rest.length === 0
        ? 'the only one that fits'
        : options.order.startsWith('price') && !options.order.startsWith('price-')
          ? 'the cheapest that fits'
          : `first by ${options.order}`,
    funds: await fundsFor(connection, account, first),
    refused,
  }
}

/**
 * The plan of a job that is to run on a machine whose price was agreed on before.
 *
 * @throws AgreementUnfitError where the machine, its price, the time or what is left of the offer's life does not do; NotEnoughMoneyError and
 * QueryError
 */
export async function planAgreed(
  connection: Connection,
  agreed: Candidate,
  options: Pick<PlanJobOptions, 'account' | 'needs' | 'where'> & { readonly duration: number | null },
): Promise<JobPlan> {
  const { offer, duration } = agreed
  const unfit = (reason: string) => new AgreementUnfitError({ lease: offer.listing.id, reason })
  const queries = queriesOf(options.needs, options.where)
  const query = queries.join('  or  ')
  if (!queries.some((each) => matches(parseQuery(each), offer.row)))
    throw unfit(`its machine is none of '${query}'`)
  if (options.duration !== null && options.duration !== duration)
    throw unfit(`it is for ${duration} seconds, and ${options.duration} are asked for`)
  if (offer.listing.published.offer.expiry <= unixNow() + leastLife) throw unfit('its time is over')
  const { pricePerHour } = offer.listing.published.offer
  return {
    candidates: [agreed],
    query,
    reason: `agreed on ${formatAmount(pricePerHour, offer.currency)} an hour`,
    funds: await fundsFor(connection, options.account, agreed),
    refused: [],
  }
}

/**
 * A machine renews its offers before they expire, so for a while it has two for the same time: the one that lives longer
 * is kept, in the place of the first.
 */
function newestOfEach(offers: readonly FoundOffer[]): readonly FoundOffer[] {
  const groups = new Map<string, FoundOffer>()
  for (const offer of offers) {
    const { asset, spec, pricePerHour, buyer } = offer.listing.published.offer
    const key = `${asset} ${spec} ${pricePerHour} ${buyer}`
    const known = groups.get(key)
    if (known === undefined || known.listing.published.offer.expiry < offer.listing.published.offer.expiry)
      groups.set(key, offer)
  }
  return [...groups.values()]
}

/**
 * What has to be moved for a candidate.
 *
 * @throws NotEnoughMoneyError
 */
export async function fundsFor(
  connection: Connection,
  account: Address,
  candidate: Candidate,
): Promise<FundsNeeded> {
  const { currency } = candidate.offer
  const { till, wallet, marketApproved } = await getBalance(connection.client, {
    deployment: connection.deployment,
    account,
    currency: currency.address,
  })
  const deposit = candidate.maxCost > till ? candidate.maxCost - till : 0n
  if (deposit > wallet)
    throw new NotEnoughMoneyError({
      account,
      needed: `${formatDecimal(candidate.maxCost, currency.decimals)} ${currency.symbol}`,
      has: `${formatDecimal(till + wallet, currency.decimals)} ${currency.symbol}`,
      isLocal: connection.isLocal,
    })
  return { till, wallet, deposit, approveMarket: !marketApproved }
}

/** One query for each kind of GPU that would do. */
function queriesOf(needs: Needs, where: string): readonly string[] {
  const gib = (mebibytes: number) => String(mebibytes / 1024)
  const common = [
    needs.cpus === null ? '' : `cpu_cores>=${needs.cpus}`,
    needs.memoryMiB === null ? '' : `cpu_ram>=${gib(needs.memoryMiB)}`,
    needs.diskMiB === null ? '' : `disk>=${gib(needs.diskMiB)}`,
    needs.network === 'public' ? 'network=public' : '',
    needs.region === null ? '' : `region=${quoted(needs.region)}`,
    needs.maxPrice === null ? '' : `price<=${needs.maxPrice}`,
    where,
  ].filter((term) => term !== '')
  const kinds = needs.gpus.map(({ name, count }) =>
    [name === null ? '' : `gpu_name=${quoted(name)}`, `num_gpus>=${count}`].filter((term) => term !== ''),
  )
  return kinds.length === 0 ? [common.join(' ')] : kinds.map((kind) => [...kind, ...common].join(' '))
}

const quoted = (value: string) => (/^[A-Za-z0-9_.-]+$/.test(value) ? value : `"${value.replaceAll('"', '')}"`)

/** What the job may use: what was asked for, the whole machine where nothing was. */
export function jobOf(task: Task, spec: Spec, timeout: number | null): Job {
  const resources: JobResources = {
    cpus: task.needs.cpus ?? spec.cpus,
    memoryMiB: task.needs.memoryMiB ?? spec.memoryMiB,
    diskMiB: task.needs.diskMiB ?? spec.diskMiB,
    gpus: task.needs.gpus.length === 0 ? 0 : Math.max(...task.needs.gpus.map(({ count }) => count)),
    network: task.needs.network,
  }
  return {
    version: 1,
    name: task.name,
    ...(task.setup === null ? {} : { setup: task.setup }),
    run: task.run,
    envs: { ...task.envs },
    outputs: [...task.outputs],
    resources,
    ...(timeout === null ? {} : { timeout }),
  }
}
