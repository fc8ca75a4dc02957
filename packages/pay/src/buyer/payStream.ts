import * as z from 'zod'
import { lastsFor, type Metered, meteredCost } from '../seller/metered.ts'
import { atomicSchema, type SettleResponse } from '../wire/x402.ts'
import type { PreparedPayment } from './channelWallet.ts'
import { readSettled } from './readDemand.ts'

/** How an answer is paid while it streams. */
export interface StreamPaying {
  readonly metered: Metered
  /** Counts its units as the seller does, where the price is by neither second nor byte. Null: none of them are paid for. */
  readonly count: ((piece: Uint8Array) => number) | null
  /** Base units of each payment, the first included. */
  readonly stretch: bigint
  readonly first: PreparedPayment
  /** Most that all payments may come to. */
  readonly most: bigint | null
  /** Milliseconds without a byte, after which nothing more is paid. */
  readonly idleMs: number
  /** Promises one stretch more. Throws what forbids it. */
  prepare(): Promise<PreparedPayment>
  /** Sends a payment to the seller, or asks how far the answer is. */
  send(payment: PreparedPayment | null): Promise<Response>
  /** Told what it cost in the end. */
  onEnd(charged: bigint, settled: SettleResponse | null, receipt: string | null): void
}

const reportSchema = z.object({
  used: atomicSchema,
  held: atomicSchema,
  ended: z.enum(['complete', 'money_ran_out', 'broke_off', 'left']).nullable(),
})

/** Times that a seller is asked what an answer cost, once it is over, and milliseconds in between. */
const asks = 5
const askMs = 200

/**
 * Passes an answer on and pays for it as it comes: by the bytes or units that came or the seconds that went by here, never by what the
 * seller says, and never more than a stretch and a half ahead, of units two. It stops paying when nothing comes any more, and breaks the
 * answer off where the budget ends. What the seller charged in the end is within what was promised; if it does not say, all
 * of that counts.
 */
export function payStream(response: Response, paying: StreamPaying): Response {
  const { metered, count, stretch, most, idleMs } = paying
  if (response.body === null) return response
  const reader = response.body.getReader()
  const begun = performance.now()
  const payments = [paying.first]
  let promised = stretch
  let bytes = 0
  let units = 0
  let lastByte = begun
  let isOver = false
  let refused: unknown = null
  let promising: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  const cost = () => meteredCost(metered, { bytes, ms: performance.now() - begun, units })
  // Units come in pieces that cannot be cut: a whole stretch is kept ahead of them, so that none is waited for.
  const ahead = count === null ? (stretch + 1n) / 2n : stretch
  const isShort = () => promised - cost() < ahead

  async function promise(): Promise<void> {
    const payment = await paying.prepare()
    payments.push(payment)
    promised += stretch
    // One that is lost is covered by the next: promises grow, and do not add up.
    const answer = await paying.send(payment).catch(() => null)
    await answer?.body?.cancel()
  }

  /** Promises more where it is due; one promise at a time. */
  function top(): void {
    if (isOver || refused !== null || promising !== null || !isShort()) return
    if (most !== null && promised + stretch > most) return
    if (performance.now() - lastByte > idleMs) return
    promising = promise()
      .catch((error: unknown) => {
        refused = error
        reader.cancel(error).catch(() => undefined)
      })
      .finally(() => {
        promising = null
        if (metered.per !== 'second') top()
      })
  }

  /** Seconds go by without bytes. */
  function tick(): void {
    top()
    const beat = Math.max(20, Math.min(1_000, lastsFor(metered, stretch) / 8))
    if (isOver) return
    timer = setTimeout(tick, beat)
    // Whoever reads the answer keeps the process alive.
    timer.unref()
  }
  if (metered.per === 'second') tick()

  async function end(): Promise<void> {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    await promising
    await catchUp()
    const { charged, settled, receipt } = await finalCost()
    let left = charged
    for (const payment of payments) {
      const part = left < stretch ? left : stretch
      left -= part
      await payment.done(part)
    }
    paying.onEnd(charged, settled, receipt)
  }

  /** What came in one go may be ahead of what was promised for it: a seller that holds earlier promises need not wait. */
  async function catchUp(): Promise<void> {
    if (metered.per === 'second') return
    while (refused === null && promised < cost() && (most === null || promised + stretch <= most))
      await promise().catch((error: unknown) => {
        refused = error
      })
  }

  async function finalCost() {
    for (let ask = 1; ask <= asks; ask++) {
      const answer = await paying.send(null).catch(() => null)
      const report = reportSchema.safeParse(answer?.ok ? await answer.json().catch(() => null) : null)
      if (answer !== null && report.success && report.data.ended !== null) {
        const used = BigInt(report.data.used)
        const charged = used < promised ? used : promised
        return { charged, settled: readSettled(answer), receipt: answer.headers.get('millrace-receipt') }
      }
      await new Promise((resolve) => setTimeout(resolve, askMs))
    }
    return { charged: promised, settled: null, receipt: null }
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (refused !== null) throw refused
          if (done) {
            await end()
            return controller.close()
          }
          bytes += value.length
          units = count?.(value) ?? 0
          lastByte = performance.now()
          top()
          controller.enqueue(value)
        } catch (error) {
          await end().catch(() => undefined)
          controller.error(refused ?? error)
        }
      },
      async cancel(reason) {
        await reader.cancel(reason).catch(() => undefined)
        await end()
      },
    },
    { highWaterMark: 0 },
  )
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}
