import { MillraceError } from '@millrace/sdk/errors'
import { closeHeader } from '../ledger/closing.ts'
import { WireError } from '../wire/errors.ts'
import { paymentRequiredResponse } from '../wire/paymentRequiredResponse.ts'
import type { PaymentRequirements, ResourceInfo } from '../wire/x402.ts'
import { takeAnswerBody } from './answerBody.ts'
import { answerClosing } from './answerClosing.ts'
import { continueStream } from './continueStream.ts'
import { type Again, createAnswers, type OpenAnswer } from './createAnswers.ts'
import { type Delivery, deliverAnswer, type MadeAnswer } from './deliverAnswer.ts'
import { digestRequestFast } from './digestRequest.ts'
import { IdempotencyConflictError, PaidBodyTooLargeError, PaymentRefusedError } from './errors.ts'
import { findWays, type Ways } from './findWays.ts'
import { meteredAnswer } from './meteredAnswer.ts'
import { meterOf } from './meterOf.ts'
import { mppChallenges } from './mppCharge.ts'
import type { PendingAnswer } from './openPendingAnswers.ts'
import { createStreams, streamHeader } from './openStreams.ts'
import { chargeOf, overridesHeader, withoutOverrides } from './overrides.ts'
import type { PaidHandler, Paywall, PaywallOptions } from './paywall.ts'
import { prepaidBody } from './prepaidBody.ts'
import { problem, unavailable } from './problem.ts'
import { hasBody, readBody, withBody } from './readBody.ts'
import { type ReadPayment, readPayment } from './readPayment.ts'
import type { PaidRequest, Price, Reservation, SellerScheme } from './scheme.ts'
import { settledAlone } from './settledAlone.ts'
import { type CountedAnswer, countAnswer, isEvents } from './unitAnswer.ts'

/**
 * Makes a paywall: it says what to pay in x402 v2, x402 v1 and MPP at once, takes the payment in any of them, holds the
 * money, lets the handler answer, charges, and only then gives the answer out. An answer of 400 and above, and one that
 * breaks off, is not charged. The same payment, or the same `Idempotency-Key` of the same payer, for the same request is
 * answered again and not charged again.
 *
 * @param options Ways to be paid, the key for receipts, limits.
 * @returns The paywall; `priceRoute` and the adapters use it.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/transports-v2/http.md
 * @example
 * const paywall = createPaywall({ schemes: [exactScheme({ currencies, facilitator })], receipts: account })
 */
export function createPaywall(options: PaywallOptions): Paywall {
  const { schemes, receipts, mpp, pending, now = () => Math.floor(Date.now() / 1000) } = options
  const { maxBodyBytes = 10 << 20, maxAnswerBytes = 8 << 20 } = options
  const { graceMs = 10_000 } = options
  const answers = createAnswers(now, options.answers)
  const streams = createStreams(now)

  /** Everything about one request that the steps below need. */
  interface Call {
    readonly request: Request
    readonly paid: PaidRequest
    readonly resource: ResourceInfo
    readonly price: Price
    readonly accepts: readonly PaymentRequirements[]
    readonly extensions: Ways['extensions']
    readonly ahead: boolean
    readonly handler: PaidHandler
  }

  async function refuse(
    { resource, accepts, extensions }: Call,
    error: string,
    further: { readonly status?: 400 | 402; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    const challenges = mpp === undefined ? [] : await mppChallenges(accepts, { ...mpp, now: now() })
    return paymentRequiredResponse(
      {
        x402Version: 2,
        error,
        resource,
        accepts: [...accepts],
        ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
      },
      { challenges, ...further },
    )
  }

  /** Holds the money, answers, charges. Says to `opened` how to answer a repetition. */
  async function serve(
    call: Call,
    read: ReadPayment,
    { opened, key }: { readonly opened: OpenAnswer; readonly key: string | null },
  ): Promise<Response> {
    const { paid, handler, ahead } = call
    const scheme = schemes.find((each) => each.scheme === read.requirements.scheme)
    let reservation: Reservation
    try {
      if (scheme === undefined) throw new PaymentRefusedError({ reason: 'unsupported_scheme' })
      const alone = await scheme.settleAlone?.(read.payment, { requirements: read.requirements })
      if (alone != null) {
        opened.finish(null)
        return settledAlone(alone)
      }
      const { requirements } = read
      reservation = await scheme.reserve(read.payment, { requirements, request: paid, ahead })
    } catch (error) {
      opened.finish(null)
      if (error instanceof MillraceError && !error.retryable) {
        const accepts = call.accepts.map((each) =>
          each.scheme === scheme?.scheme ? (scheme.explain?.(error, each) ?? each) : each,
        )
        const reason = error instanceof PaymentRefusedError ? error.reason : error.code.toLowerCase()
        return refuse({ ...call, accepts }, reason)
      }
      if (error instanceof MillraceError) return unavailable(error)
      throw error
    }
    if (paid.idempotencyKey === null) return answer(call, read, { reservation, opened: [opened] })
    for (;;) {
      const found = answers.begin(
        `key ${reservation.payer} ${paid.idempotencyKey}`.toLowerCase(),
        paid.digest,
      )
      if (found.type === 'new') return answer(call, read, { reservation, opened: [opened, found.answer] })
      if (found.type === 'conflict') {
        await reservation.release('idempotency conflict')
        opened.finish(null)
        return problem(409, new IdempotencyConflictError({ key: paid.idempotencyKey }))
      }
      const again = await found.again
      if (again === null) continue
      await reservation.release('answered before')
      opened.finish(null)
      return again()
    }

    async function answer(
      { request }: Call,
      read: ReadPayment,
      held: { readonly reservation: Reservation; readonly opened: readonly OpenAnswer[] },
    ): Promise<Response> {
      const { payer, ceiling, kept = onDisk } = held.reservation
      const finish = (again: Again | null, bytes?: number) => {
        for (const each of held.opened) each.finish(again, bytes)
      }
      let isBack = false
      const giveBack = async (reason: string) => {
        if (isBack) return
        isBack = true
        await held.reservation.release(reason)
        finish(null)
      }
      /** Null once the disk has the payment; otherwise what was made for it is thrown away, and the answer says so. */
      const refuseUnkept = (made: ReadableStream | null) =>
        kept.then(
          () => null,
          async (error: unknown) => {
            await made?.cancel().catch(() => undefined)
            await giveBack('the payment is not on disk')
            if (error instanceof MillraceError) return unavailable(error)
            throw error
          },
        )
      let made: MadeAnswer
      try {
        let response = await handler(request, { payer, ceiling, kept })
        if (response.status >= 400) {
          await giveBack(`answered with ${response.status}`)
          return withoutOverrides(response)
        }
        const { metered } = call.price
        const { reservation } = held
        let counted: CountedAnswer | null = null
        const meter = metered === undefined ? null : meterOf(metered)
        if (metered !== undefined && meter !== null && !isEvents(response)) {
          const found = await countAnswer(response, { metered, meter, most: maxAnswerBytes })
          if (found instanceof Response) response = found
          else counted = found
        }
        const isFixed = reservation.fixed === true
        if (metered !== undefined && counted === null && scheme !== undefined && !isFixed) {
          const unkept = await refuseUnkept(response.body)
          if (unkept !== null) return unkept
          const { dialect, requirements } = read
          finish(() => refuse(call, 'payment_already_used'))
          return meteredAnswer(streams, response, {
            signer: receipts ?? null,
            ...{ scheme, dialect, requirements, request: paid, reservation, metered, meter, graceMs, now },
          })
        }
        const body =
          counted?.body ??
          (metered === undefined
            ? await takeAnswerBody(response, maxAnswerBytes)
            : prepaidBody(response, { metered, meter, reservation }))
        const unkept = await refuseUnkept(body.type === 'stream' ? body.stream : null)
        if (unkept !== null) return unkept
        const headers = new Headers(response.headers)
        headers.delete(overridesHeader)
        const used = counted === null || isFixed ? chargeOf(response, call.price, ceiling) : counted.cost
        made = { status: response.status, headers, body, amount: used < ceiling ? used : ceiling }
      } catch (error) {
        const unkept = await refuseUnkept(null)
        if (unkept !== null) return unkept
        await giveBack('the handler failed')
        throw error
      }
      return deliver(call, read, { reservation: held.reservation, made, finish, key })
    }
  }

  /** Charges for an answer that is made, and gives it out. */
  function deliver(
    call: Call,
    read: Pick<ReadPayment, 'dialect' | 'requirements'>,
    held: Pick<Delivery, 'reservation' | 'made' | 'finish'> & { readonly key: string | null },
  ): Promise<Response> {
    const { reservation, made, finish, key } = held
    return deliverAnswer({
      refuse: (error, headers) => refuse(call, error, headers === undefined ? {} : { headers }),
      pending: pending === undefined || key === null ? null : { answers: pending, key },
      ...{ paid: call.paid, read, reservation, made, finish, now, signer: receipts ?? null },
    })
  }

  /** Goes on with an answer that was made before this process began. */
  async function resume(call: Call, read: ReadPayment, from: Resumed): Promise<Response> {
    const { kept, scheme, opened } = from
    if (kept.digest !== call.paid.digest) {
      opened.finish(null)
      return refuse(call, 'payment_already_used')
    }
    const { requirements, dialect } = kept
    const reservation = await scheme.resume?.(read.payment, { requirements })
    if (reservation === undefined) return serve(call, read, { opened, key: kept.key })
    const bytes = new Uint8Array(Buffer.from(kept.body, 'base64'))
    const made: MadeAnswer = {
      status: kept.status,
      headers: new Headers(kept.headers.map(([name, value]): [string, string] => [name, value])),
      body: { type: 'whole', bytes },
      amount: BigInt(kept.amount),
    }
    return deliver(
      call,
      { requirements, dialect },
      { reservation, made, finish: opened.finish, key: kept.key },
    )
  }

  async function pay(call: Call): Promise<Response> {
    const { request, paid, accepts } = call
    let read: ReadPayment | null
    try {
      read = await readPayment(request.headers, { accepts, mpp, now: now() })
    } catch (error) {
      if (error instanceof WireError) return refuse(call, error.code.toLowerCase(), { status: 400 })
      if (error instanceof PaymentRefusedError) return refuse(call, error.reason)
      throw error
    }
    if (read === null) return refuse(call, 'payment required')
    const { scheme } = read.requirements
    const payable = schemes.find((each) => each.scheme === scheme)
    const key = payable?.paymentKey?.(read.payment) ?? null
    if (payable === undefined || key === null)
      return serve(call, read, { opened: { finish: () => undefined }, key: null })
    for (;;) {
      const found = answers.begin(`payment ${key}`, paid.digest)
      if (found.type === 'conflict') return refuse(call, 'payment_already_used')
      if (found.type === 'new') {
        try {
          const opened = found.answer
          const kept = pending?.find(key) ?? null
          return await (kept === null
            ? serve(call, read, { opened, key })
            : resume(call, read, { kept, scheme: payable, opened }))
        } catch (error) {
          found.answer.finish(null)
          throw error
        }
      }
      const again = await found.again
      if (again !== null) return again()
    }
  }

  return {
    async charge(request, route, handler) {
      const stream = request.headers.get(streamHeader)
      if (stream !== null) return continueStream(streams, request, stream)
      const closing = request.headers.get(closeHeader)
      if (closing !== null) return answerClosing(schemes, closing)
      let body: Uint8Array<ArrayBuffer>
      try {
        body = await readBody(request, maxBodyBytes)
      } catch (error) {
        if (error instanceof PaidBodyTooLargeError) return problem(413, error)
        throw error
      }
      const { method, url, headers } = request
      const whole = withBody(request, body)
      const price =
        typeof route.price === 'function'
          ? await route.price(hasBody(whole) ? whole.clone() : whole)
          : route.price
      if (price.amount === 0n && price.upTo !== true) return handler(whole, null)
      // One that nothing counts is not asked for.
      if (price.metered !== undefined) meterOf(price.metered)
      const paid: PaidRequest = {
        method,
        url,
        digest: await digestRequestFast({ method, url, body }),
        idempotencyKey: headers.get('idempotency-key'),
      }
      let ways: Ways
      try {
        ways = await findWays(schemes, price, paid)
      } catch (error) {
        if (error instanceof MillraceError && error.retryable) return unavailable(error)
        throw error
      }
      const { ahead = false } = route
      const resource = { url, ...route.resource }
      return pay({ request: whole, paid, resource, price, ahead, handler, ...ways })
    },
  }
}

const onDisk = Promise.resolve()

/** What is needed to go on with an answer of a process before this one. */
interface Resumed {
  readonly kept: PendingAnswer
  readonly scheme: SellerScheme
  readonly opened: OpenAnswer
}
