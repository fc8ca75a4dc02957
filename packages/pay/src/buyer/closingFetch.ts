import * as z from 'zod'
import { closeHeader } from '../ledger/closing.ts'
import { CloseUnsupportedError } from '../ledger/errors.ts'
import { problem } from '../seller/problem.ts'
import { decodeHeader } from '../wire/base64.ts'

const answerSchema = z.object({ status: z.int().min(200).max(599), body: z.unknown() })

/**
 * Makes the `fetch` of `askToClose` for a transport other than HTTP: `send` carries the wish and resolves with what the seller says of it, or
 * null where it knows no such wish.
 */
export const closingFetch =
  (send: (wish: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>): typeof globalThis.fetch =>
  async (input, init) => {
    const { headers, signal } = new Request(input, init)
    const schema = z.record(z.string(), z.unknown())
    const wish = decodeHeader(closeHeader, headers.get(closeHeader) ?? '', { schema })
    const read = answerSchema.safeParse(await send(wish, signal))
    if (!read.success) return problem(404, new CloseUnsupportedError())
    const { status, body } = read.data
    return Response.json(body, { status })
  }
