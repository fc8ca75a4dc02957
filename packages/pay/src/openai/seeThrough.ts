import { PaymentRefusedError } from '../seller/errors.ts'
import type { SellerScheme } from '../seller/scheme.ts'
import type { SettleResponse } from '../wire/x402.ts'
import { type AnswerOptions, answerCall } from './answerCall.ts'
import type { KeptAnswer, LeftCall, OpenCall } from './createReplays.ts'
import { paidHeaders } from './settleCall.ts'

/** An answer that is given again. */
export const again = ({ status, headers, body }: KeptAnswer): Response =>
  new Response(body, { status, headers })

/**
 * Sees through what an earlier try began to charge: the answer that was made for it is charged and given out; where its whole price was being
 * charged before it began, that is done and it is made.
 *
 * @returns The answer, or null where nothing was paid by it: then the call is paid as any other.
 * @throws SettlementPendingError while nobody knows, and what answering throws
 */
export async function seeThrough(
  options: Omit<AnswerOptions, 'reservation' | 'open'> & {
    readonly schemes: readonly SellerScheme[]
    readonly open: OpenCall
  },
  { once, made }: LeftCall,
): Promise<Response | null> {
  const { schemes, open, flat } = options
  const { payment, requirements } = once
  const scheme = schemes.find((each) => each.scheme === requirements.scheme)
  // What is neither charged nor made is better paid anew: its payment may be over.
  if (scheme?.resume === undefined || (made === null && !flat)) {
    open.forgetLeft()
    return null
  }
  try {
    const { payer, capture } = await scheme.resume(payment, { requirements })
    if (made === null) {
      const reservation = { payer, ceiling: BigInt(requirements.amount), capture, release: async () => {} }
      return await answerCall({ ...options, reservation })
    }
    const { amount } = made
    const settled: SettleResponse = await capture(amount)
    const headers = { ...made.answer.headers, ...(await paidHeaders(options, { settled, amount, payer })) }
    const answer = { ...made.answer, headers }
    await open.answered(answer)
    return again(answer)
  } catch (error) {
    if (!(error instanceof PaymentRefusedError)) throw error
    open.forgetLeft()
    return null
  }
}
