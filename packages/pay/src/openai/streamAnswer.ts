import { type Answer, answerText, readAnswer } from './answerText.ts'
import { errorBody } from './errorBody.ts'
import { MoneyStoppedError, UpstreamCutError } from './errors.ts'
import type { Meter } from './meter.ts'
import type { ModelCall } from './modelCall.ts'
import { costUp } from './modelPrice.ts'
import { readEvents } from './readEvents.ts'
import { renamed } from './renamed.ts'
import type { UpstreamAnswer } from './upstream.ts'

/** How a stream ended: `unsent` where the buyer left before the first event. */
export type StreamOutcome = 'complete' | 'failed' | 'left' | 'unsent'

export interface StreamOptions {
  readonly call: ModelCall
  readonly answer: UpstreamAnswer
  readonly meter: Meter
  /** Base units that are held now; less than the quote where a part was paid. */
  readonly held: () => bigint
  /** Asks for so much more; whether it is held now. */
  readonly extend: (amount: bigint) => Promise<boolean>
  readonly quote: bigint
  /** Aborted when the buyer leaves. */
  readonly signal: AbortSignal
  /** Called when the first event is there, before the answer begins. */
  readonly begin: () => Promise<void>
  /** Called once when nothing more is delivered; gives what the buyer is told of the payment, by the names of headers. */
  readonly settle: (outcome: StreamOutcome) => Promise<Readonly<Record<string, string>>>
  /** Given the whole answer, before it is settled, where it was complete and is not too long to be kept. */
  readonly made: (body: Uint8Array<ArrayBuffer>) => Promise<void>
  /** Given the same with its receipt, once it is settled and before its end is given out. */
  readonly keep: (body: Uint8Array<ArrayBuffer>) => Promise<void>
}

const maxEvent = 1 << 20
const maxKept = 1 << 20
const utf8 = new TextEncoder()
const frame = (data: string) => `data: ${data}\n\n`

/**
 * Passes a streamed answer on as it comes, those events together that came together, none before the buyer took the last, and ends
 * when the money does. The receipt is a comment before the closing mark, so that every client of the API reads past it.
 *
 * @returns The stream, once its first event is there.
 * @throws What the upstream's answer throws before its first event, and what `begin` throws.
 */
export async function streamAnswer(options: StreamOptions): Promise<ReadableStream<Uint8Array>> {
  const events = eventsOf(options)
  const first = await events.next()
  await options.begin()
  const ending = createEnding(options)
  const frames = framesOf(options, { first, events, ending })
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await frames.next()
        if (done) controller.close()
        else controller.enqueue(utf8.encode(value))
      },
      async cancel() {
        ending.left()
        options.answer.cancel()
        await frames.return()
        // A generator that nobody has begun does not come to its end.
        await ending.settle().catch(() => null)
      },
    },
    // Nothing is read from the upstream before somebody waits for it.
    { highWaterMark: 0 },
  )
}

/** How a stream ends, and its settlement, which happens once however many notice the end. */
function createEnding(options: StreamOptions) {
  let outcome: StreamOutcome = 'unsent'
  let gone = false
  let settled: Promise<Readonly<Record<string, string>>> | undefined
  return {
    begun() {
      outcome = 'left'
    },
    left() {
      gone = true
    },
    ended(failure: unknown) {
      // An answer that broke off because the buyer left did not fail.
      if (failure === null) outcome = 'complete'
      else outcome = gone || options.signal.aborted ? 'left' : 'failed'
    },
    settle() {
      settled ??= options.settle(outcome)
      return settled
    },
  }
}

async function* framesOf(
  options: StreamOptions,
  {
    first,
    events,
    ending,
  }: {
    first: IteratorResult<string, void>
    events: AsyncGenerator<string, void, void>
    ending: ReturnType<typeof createEnding>
  },
): AsyncGenerator<string, void, void> {
  const kept: string[] = []
  let size = 0
  let isRead = false
  ending.begun()
  try {
    let failure: unknown = null
    try {
      for (let next = first; !next.done; next = await events.next()) {
        size += next.value.length
        if (size <= maxKept) kept.push(next.value)
        yield next.value
      }
      options.answer.finish()
      isRead = true
    } catch (error) {
      failure = error
    }
    ending.ended(failure)
    const isKept = failure === null && size <= maxKept
    // What the disk does not take is not kept; it was delivered all the same.
    if (isKept) await options.made(utf8.encode(`${kept.join('')}${frame('[DONE]')}`)).catch(() => undefined)
    const receipt = await ending.settle().catch((error: unknown) => {
      failure ??= error
      return null
    })
    if (failure !== null) yield frame(JSON.stringify(errorBody(failure).body))
    const lines = Object.entries(receipt ?? {}).map(([name, value]) => `: ${name} ${value}\n`)
    const last = lines.length === 0 ? '' : `${lines.join('')}\n`
    const end = `${last}${failure === null ? frame('[DONE]') : ''}`
    if (isKept && failure === null)
      await options.keep(utf8.encode(`${kept.join('')}${end}`)).catch(() => undefined)
    if (end !== '') yield end
  } finally {
    if (!isRead) options.answer.cancel()
    // The buyer left: what it was sent is charged all the same.
    await ending.settle().catch(() => null)
  }
}

/** Frames of events that came together and are paid for: what is paid goes out before more money is waited for, and before a failure. */
async function* eventsOf(options: StreamOptions): AsyncGenerator<string, void, void> {
  const { call, answer, meter, held } = options
  let last: Answer | null = null
  for await (const together of readEvents(answer.chunks, maxEvent)) {
    let frames = ''
    let failure: unknown = null
    let isOver = false
    for (const data of together) {
      isOver = data === '[DONE]'
      if (isOver) break
      let event: Answer
      try {
        event = readAnswer(data)
        if (event.error !== undefined && event.error !== null) throw new UpstreamCutError()
      } catch (error) {
        failure = error
        break
      }
      const text = answerText(event)
      if (text !== '') {
        const short = meter.costWith(text) - held()
        if (short > 0n) {
          if (frames !== '') yield frames
          frames = ''
          if (!(await extended(options, short)))
            throw new MoneyStoppedError({ reserved: held(), output: meter.read().output })
        }
        meter.deliver(text)
      }
      meter.report(event.usage)
      isOver = meter.overran()
      if (isOver) {
        answer.cancel()
        frames += frame(JSON.stringify(cutShort(last ?? event, call)))
        break
      }
      last = event
      const usageOnly = event.choices?.length === 0 && event.usage != null
      if (!usageOnly || call.includeUsage) frames += frame(renamed(event, data, call))
    }
    if (frames !== '') yield frames
    if (failure !== null) throw failure
    if (isOver) return
  }
  throw new UpstreamCutError()
}

/** Output tokens that more money is asked for at once: to ask for each would stop the stream at each. */
const extendTokens = 32

/** Whether at least `short` more is held: a stretch of the answer if the payer promises it, what is missing otherwise. */
async function extended({ call, held, quote, extend }: StreamOptions, short: bigint): Promise<boolean> {
  const { perMillionInput, perMillionOutput } = call.model.price
  const byToken = { perRequest: 0n, perMillionInput, perMillionOutput }
  const stretch = costUp(byToken, { input: 0, output: extendTokens })
  const left = quote - held()
  return extend(stretch < short ? short : stretch < left ? stretch : left)
}

/** Ends the choices where the upstream did not keep to its limit. */
function cutShort(event: Answer, call: ModelCall): object {
  const choices = (event.choices ?? []).map(({ delta, index }) => ({
    index,
    ...(delta === undefined ? { text: '' } : { delta: {} }),
    logprobs: null,
    finish_reason: 'length',
  }))
  return { ...event, model: call.model.id, choices }
}
