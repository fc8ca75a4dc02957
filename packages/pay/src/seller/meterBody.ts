import { MoneyRanOutError } from './errors.ts'
import { lastsFor, type Metered, meteredCost } from './metered.ts'
import type { Reservation } from './scheme.ts'

/** What an answer has cost so far, and why it ended. */
export interface StreamState {
  /** Base units that were used, at most what is held. */
  readonly used: bigint
  readonly held: bigint
  /** Null while it streams. */
  readonly ended: 'complete' | 'money_ran_out' | 'broke_off' | 'left' | null
}

export interface MeteredBody {
  readonly stream: ReadableStream<Uint8Array>
  state(): StreamState
}

/** Most bytes that are counted at once, where units are. */
const mostCounted = 512

/**
 * Passes an answer on as far as it is paid for: no byte and no unit leaves that is not covered, and no second begins that is not. Where the
 * money held is used up, it waits `graceMs` for the payer to promise `stretch` more, and ends the answer with an error if
 * that does not come. Time that it waits for money costs nothing.
 *
 * @param source The handler's answer.
 * @param options What is held, the meter, and how it is charged once it is over, however it ended.
 */
export function meterBody(
  source: ReadableStream<Uint8Array>,
  options: {
    readonly metered: Metered
    /** Units of all pieces so far, where the price is of neither bytes nor seconds. */
    readonly count?: ((piece: Uint8Array) => number) | null
    readonly reservation: Reservation
    /** Base units that more is held by at once. */
    readonly stretch: bigint
    readonly graceMs: number
    /** Milliseconds from anywhere. */
    readonly now: () => number
    readonly onEnd: (state: StreamState) => Promise<void>
  },
): MeteredBody {
  const { metered, reservation, stretch, graceMs, now, onEnd, count = null } = options
  const reader = source.getReader()
  const begun = now()
  let waited = 0
  let bytes = 0
  let units = 0
  let ended: StreamState['ended'] = null
  let final: StreamState | null = null
  /** Read of the answer and not yet passed on. */
  let rest: Uint8Array | null = null
  /** What came with it and is not counted yet. */
  let later: Uint8Array | null = null
  /** What the units come to with that piece. */
  let withRest = 0
  let reading: ReturnType<typeof reader.read> | null = null

  const elapsed = () => now() - begun - waited
  const held = () => reservation.ceiling
  const cost = () => meteredCost(metered, { bytes, ms: elapsed(), units })
  const used = () => (cost() < held() ? cost() : held())

  /** Holds more, or says that there is no more. What could be held for a part of a stretch is taken too. */
  async function more(): Promise<boolean> {
    if (reservation.extend === undefined) return false
    const from = now()
    const isHeld = await reservation.extend(stretch, graceMs)
    waited += now() - from
    return isHeld
  }

  async function end(how: NonNullable<StreamState['ended']>): Promise<void> {
    if (ended !== null) return
    // What is charged changes what is held: both are kept as they were.
    final = { used: used(), held: held(), ended: how }
    ended = how
    await onEnd(final)
  }

  /** Bytes that may be passed on now. Units are in the whole of a piece or not in it. */
  function covered(): number {
    if (metered.per === 'byte') return lastsFor(metered, held()) - bytes
    const isPaid = count === null || meteredCost(metered, { bytes, ms: 0, units: withRest }) <= held()
    return isPaid ? Number.MAX_SAFE_INTEGER : 0
  }

  /** What the next step looks at: units are counted in small pieces, so that none of them comes to more than a stretch. */
  function take(piece: Uint8Array): Uint8Array {
    reading = null
    if (count === null) return piece
    const small = piece.subarray(0, mostCounted)
    later = piece.length > small.length ? piece.subarray(small.length) : null
    withRest = count(small)
    return small
  }

  /** The next piece of the answer, or `late` if the seconds that are paid for are over first. */
  async function next() {
    if (rest !== null) return { done: false as const, value: rest }
    if (later !== null) return { done: false as const, value: later }
    reading ??= reader.read()
    if (metered.per !== 'second') return reading
    const left = lastsFor(metered, held()) - elapsed()
    if (left <= 0) return 'late' as const
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), Math.min(left, 2 ** 31 - 1))
    })
    return Promise.race([reading, late]).finally(() => clearTimeout(timer))
  }

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const piece = await next()
            if (piece !== 'late' && !piece.done) rest ??= take(piece.value)
            if (piece === 'late' || (!piece.done && covered() <= 0)) {
              if (await more()) continue
              await end('money_ran_out')
              reader.cancel().catch(() => undefined)
              return controller.error(new MoneyRanOutError({ used: used(), held: held() }))
            }
            if (rest === null) {
              await end('complete')
              return controller.close()
            }
            const fits = covered()
            const passed: Uint8Array = rest.length > fits ? rest.subarray(0, fits) : rest
            rest = rest.length > fits ? rest.subarray(fits) : null
            bytes += passed.length
            units = withRest
            return controller.enqueue(passed)
          }
        } catch (error) {
          await end('broke_off').catch(() => undefined)
          controller.error(error)
        }
      },
      async cancel(reason) {
        await end('left').catch(() => undefined)
        await reader.cancel(reason).catch(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, state: () => final ?? { used: used(), held: held(), ended } }
}
