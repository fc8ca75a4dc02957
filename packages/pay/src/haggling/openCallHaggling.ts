import { openJournalMap } from '@millrace/journal'
import {
  agreedTerms,
  type Currency,
  type Deployment,
  type HaggleCall,
  type HaggleTerms,
  handleHaggle,
  hashHaggleCall,
  hashHaggleTerms,
  type KeptHaggle,
  type ReadClient,
  type Signer,
  timeDependent,
} from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import type { PaidHandler, PaidRoute, Paywall } from '../seller/paywall.ts'
import { problem } from '../seller/problem.ts'
import { CallHaggleRefusedError, HaggleVoidError } from './errors.ts'
import { callUnit, haggleHeader, hagglePath, haggleVoid } from './wire.ts'

/** What a call costs, in base units. */
export interface CallOffer {
  readonly price: bigint
  /** Least that is agreed to; where it is the price nobody haggles. */
  readonly floor: bigint
}

export interface CallHagglingOptions {
  /** Its file; what was agreed on outlives this process. */
  readonly path: string
  readonly deployment: Pick<Deployment, 'chainId' | 'market'>
  readonly currency: Pick<Currency, 'address'>
  /** Of the chain: reads signatures of contracts' accounts. */
  readonly client: ReadClient
  /** Signs what is proposed and agreed on. */
  readonly signer: Signer
  /** What a call of a URL costs. A server is known by several names: what is agreed on under one is good under another that costs the same. */
  readonly offer: (url: URL) => CallOffer
  /** How it gives way as rounds and time go by: below 1 firm until late, above 1 early. Default 0.5. */
  readonly shape?: number
  /** Most calls of one agreement. Default 10,000. */
  readonly mostCalls?: number
  /** Longest that an agreement holds, in seconds. Default a day. */
  readonly mostSeconds?: number
  /** Most haggles that are kept at once: going on, or agreed on and not over. Default 10,000. */
  readonly mostKept?: number
  /** Unix seconds. */
  readonly now?: () => number
}

/** A seller of calls that haggles. */
export interface CallHaggling {
  /**
   * Sells calls at the list price, or at what was agreed on with who names its haggle, and haggles itself at its well-known path.
   *
   * @param handler Answers once money is held.
   * @param route What is sold, and whether the handler may begin ahead of the disk.
   */
  sell(
    paywall: Paywall,
    handler: PaidHandler,
    route?: Omit<PaidRoute, 'price'>,
  ): (request: Request) => Promise<Response>
  close(): Promise<void>
}

/** With fewer seconds or rounds a buyer would be told the floor at once: concessions go by the share of both. */
const leastSeconds = 5
const leastRounds = 4
const systemClock = () => Math.floor(Date.now() / 1000)

/**
 * Opens haggling about calls, for a seller that is paid on channels: a buyer that agrees on a price pays it for as many calls and as long as
 * was agreed on, and voucher and receipt carry the hash of the terms. Each message is on disk before it is answered. Calls are counted as
 * they are served; a crash forgets those of the last moments, and the buyer may have them again at the agreed price.
 *
 * @throws JournalCorruptError | JournalInUseError
 * @example
 * const haggling = await openCallHaggling({ path, deployment, currency, client, signer, offer: () => ({ price: 1_000n, floor: 600n }) })
 * createServer(nodeListener(haggling.sell(paywall, handler))).listen(4020)
 */
export async function openCallHaggling(options: CallHagglingOptions): Promise<CallHaggling> {
  const { path, deployment, currency, client, signer, offer, shape = 0.5 } = options
  const { mostCalls = 10_000, mostSeconds = 86_400, mostKept = 10_000, now = systemClock } = options
  const haggles = await openJournalMap<KeptHaggle>({
    ...{ path, exclusive: true },
    nameOf: ({ haggle }) => haggle.id,
  })
  const counts = await openJournalMap<{ readonly id: string; readonly used: number }>({
    ...{ path: `${path}.used`, exclusive: true },
    nameOf: ({ id }) => id,
  })
  const used = new Map(counts.values().map(({ id, used }) => [id, used]))

  const handle = handleHaggle({
    ...{ chainId: deployment.chainId, market: deployment.market, client, signer, now },
    store: {
      get: async (id) => haggles.get(id) ?? null,
      put: ({ haggle, startedAt }) => haggles.put({ haggle, startedAt }),
    },
    async plan(call) {
      const id = hashHaggleCall(call)
      const known = haggles.get(id)
      if (known === undefined) await makeRoom()
      return planCall(call, known?.startedAt ?? now())
    },
  })

  /** Whether a haggle can still come to something, or sell something. */
  function isAlive({ haggle }: KeptHaggle): boolean {
    const terms = agreedTerms(haggle)
    if (terms !== null) return terms.validUntil >= now()
    return haggle.state === 'open' && haggle.call.deadline >= now()
  }

  async function makeRoom(): Promise<void> {
    await haggles.prune(isAlive)
    await counts.prune(({ id }) => haggles.get(id) !== undefined)
    for (const id of used.keys()) if (haggles.get(id) === undefined) used.delete(id)
    const kept = haggles.values().length
    if (kept >= mostKept)
      throw new CallHaggleRefusedError({ reason: `it keeps ${kept} haggles already`, retryable: true })
  }

  /** How a call for proposals is answered: from the list price down to the floor. */
  function planCall(call: HaggleCall, startedAt: number) {
    const refuse = (reason: string) => {
      throw new CallHaggleRefusedError({ reason })
    }
    const { subject, quantity } = call
    if (subject.type !== 'calls' || subject.unit !== callUnit)
      return refuse(
        `it sells by the '${callUnit}', and is asked for '${'unit' in subject ? subject.unit : subject.type}'`,
      )
    if (!isAddressEqual(call.seller, signer.address))
      refuse(`'${signer.address}' sells here, the call is to '${call.seller}'`)
    if (!isAddressEqual(call.currency, currency.address))
      refuse(`it is paid in '${currency.address}', the call names '${call.currency}'`)
    const { price, floor } = offer(new URL(subject.url))
    if (floor >= price) refuse('this is sold at its list price only')
    // Both bounds, for the buyer may counter with any number between them.
    if (BigInt(quantity.least) < 1n || BigInt(quantity.most) > BigInt(mostCalls))
      refuse(`an agreement is for 1 to ${mostCalls} calls, not ${quantity.least} to ${quantity.most}`)
    if (call.validUntil > startedAt + mostSeconds)
      refuse(`an agreement holds for ${mostSeconds} s, not ${call.validUntil - startedAt} s`)
    if (call.deadline < startedAt + leastSeconds)
      refuse(`it haggles for at least ${leastSeconds} s, the call allows ${call.deadline - startedAt} s`)
    if (call.maxRounds < leastRounds)
      refuse(`it haggles in at least ${leastRounds} rounds, the call allows ${call.maxRounds}`)
    // What costs nothing is not sold.
    const reservation = floor > 1n ? floor : 1n
    return {
      strategy: timeDependent({ first: price, reservation, shape }),
      reservation,
      quantity: BigInt(quantity.most),
    }
  }

  /** What was agreed on under a name, if it sells a call of `url`. @throws HaggleVoidError */
  function agreementOf(id: string, url: URL): HaggleTerms {
    const fail = (reason: string) => new HaggleVoidError({ haggle: id, reason })
    const kept = haggles.get(id.toLowerCase())
    const terms = kept === undefined ? null : agreedTerms(kept.haggle)
    if (terms === null || terms.subject.type !== 'calls') throw fail('nothing was agreed on under that name')
    if (terms.validUntil < now()) throw fail(`it held until ${terms.validUntil}`)
    const about = new URL(terms.subject.url)
    const [agreed, asked] = [offer(about), offer(url)]
    // A query may make a call dearer: what was agreed on for the cheap one does not buy it.
    const isSame = agreed.price === asked.price && agreed.floor === asked.floor
    if (about.pathname !== url.pathname || !isSame) throw fail(`it is about '${about}'`)
    return terms
  }

  /** Counts a call; `false` where all are used. */
  function take(id: string, terms: HaggleTerms): boolean {
    const before = used.get(id) ?? 0
    if (BigInt(before) >= BigInt(terms.quantity)) return false
    note(id, before + 1)
    return true
  }

  function note(id: string, count: number): void {
    used.set(id, count)
    // In its own time: what a crash forgets is given away at the agreed price, not for nothing.
    counts.put({ id, used: count }).catch(() => undefined)
  }

  const isVoid = (error: HaggleVoidError) => problem(409, error, { [haggleHeader]: haggleVoid })

  return {
    sell: (paywall, handler, route) => async (request) => {
      const url = new URL(request.url)
      if (url.pathname === hagglePath)
        return request.method === 'POST'
          ? handle(request)
          : new Response(null, { status: 405, headers: { allow: 'POST' } })
      const named = request.headers.get(haggleHeader)
      if (named === null) {
        const { price: amount, floor } = offer(url)
        const price = { amount, ...(floor < amount ? { haggles: signer.address } : {}) }
        return paywall.charge(request, { ...route, price }, handler)
      }
      let terms: HaggleTerms
      try {
        terms = agreementOf(named, url)
      } catch (error) {
        if (error instanceof HaggleVoidError) return isVoid(error)
        throw error
      }
      const { haggle: id } = terms
      const price = { amount: BigInt(terms.price), terms: hashHaggleTerms(terms) }
      return paywall.charge(request, { ...route, price }, async (asked, call) => {
        // Answers of 400 and above are not charged.
        if (call === null || !isAddressEqual(call.payer, terms.buyer))
          return isVoid(
            new HaggleVoidError({ haggle: id, reason: `'${terms.buyer}' agreed on it and does not pay` }),
          )
        if (!take(id, terms))
          return isVoid(
            new HaggleVoidError({ haggle: id, reason: `all of its ${terms.quantity} calls are used` }),
          )
        const giveBack = () => note(id, Math.max(0, (used.get(id) ?? 0) - 1))
        try {
          const response = await handler(asked, call)
          if (response.status >= 400) giveBack()
          // What the disk does not take is answered 503 by the paywall, and is no call of the deal.
          else call.kept.catch(giveBack)
          return response
        } catch (error) {
          giveBack()
          throw error
        }
      })
    },
    async close() {
      await counts.close()
      await haggles.close()
    },
  }
}
