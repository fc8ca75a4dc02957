import { type AnswerBody, takeAnswerBody } from './answerBody.ts'
import { type Metered, type MeterUnits, meteredCost } from './metered.ts'

/** An answer that is at hand before it is charged, and what its units cost in base units. */
export interface CountedAnswer {
  readonly body: AnswerBody & { readonly type: 'whole' }
  readonly cost: bigint
}

/** Whether an answer is made of events, which are passed on one by one. */
export const isEvents = (response: Response): boolean =>
  response.headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') === true

/**
 * Reads an answer whose price is by units to its end, and counts it. What is longer than `most` bytes is given back to be counted while
 * it streams.
 *
 * @returns The whole answer and its cost, or the same answer again.
 */
export async function countAnswer(
  response: Response,
  { metered, meter, most }: { readonly metered: Metered; readonly meter: MeterUnits; readonly most: number },
): Promise<CountedAnswer | Response> {
  const body = await takeAnswerBody(response, most)
  const { status, headers } = response
  if (body.type === 'stream') return new Response(body.stream, { status, headers })
  const { bytes } = body
  const units = bytes.length === 0 ? 0 : meter(headers)(bytes)
  return { body, cost: meteredCost(metered, { bytes: bytes.length, ms: 0, units }) }
}
