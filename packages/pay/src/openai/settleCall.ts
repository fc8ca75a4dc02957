import { callReceiptHeader } from '../seller/callReceipt.ts'
import type { SettleResponse } from '../wire/x402.ts'
import type { AnswerOptions } from './answerCall.ts'
import type { Charge } from './charge.ts'
import { SettlementFailedError } from './errors.ts'
import type { Meter } from './meter.ts'
import type { StreamOutcome } from './streamAnswer.ts'

/** How a call was paid. */
export interface Settlement {
  /** Base units. */
  readonly charged: bigint
  /** What the buyer is told of it: header `PAYMENT-RESPONSE`, and the signed receipt; nothing where nothing was charged. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Captures what was delivered and lets the rest go: at most the quote, at most what is held, less what an earlier try
 * under the same key has paid.
 *
 * @throws SettlementFailedError
 */
export async function settleCall(
  options: Pick<AnswerOptions, 'call' | 'open' | 'onCharge' | 'quote' | 'reservation' | 'sign'>,
  { meter, outcome }: { readonly meter: Meter; readonly outcome: StreamOutcome },
): Promise<Settlement> {
  const { call, open, reservation, quote } = options
  if (outcome === 'unsent' || (outcome !== 'complete' && !meter.begun())) {
    await reservation.release('nothing was delivered')
    return { charged: 0n, headers: {} }
  }
  const metered = meter.read()
  const cost = least(metered.cost, quote, reservation.ceiling)
  const charged = cost > (open?.credit ?? 0n) ? cost - (open?.credit ?? 0n) : 0n
  const say = (how: Charge['outcome']) =>
    options.onCharge?.({
      ...metered,
      model: call.model.id,
      route: call.route,
      payer: reservation.payer,
      charged,
      outcome: how,
    })
  if (charged === 0n) {
    await reservation.release('there is nothing to charge')
    say(outcome)
    return { charged, headers: {} }
  }
  let settled: SettleResponse
  try {
    settled = await reservation.capture(charged)
    if (!settled.success)
      throw new SettlementFailedError({ reason: settled.errorReason ?? 'no reason is given' })
  } catch (error) {
    say('unsettled')
    if (error instanceof SettlementFailedError) throw error
    throw new SettlementFailedError({ reason: 'the payment scheme failed', cause: error })
  }
  say(outcome)
  const response = Buffer.from(JSON.stringify(settled)).toString('base64')
  const signed = await options.sign?.({ settled, amount: charged, payer: reservation.payer })
  return {
    charged,
    headers: {
      'payment-response': response,
      ...(signed === undefined ? {} : { [callReceiptHeader.toLowerCase()]: signed }),
    },
  }
}

const least = (first: bigint, ...rest: bigint[]) =>
  rest.reduce((least, value) => (value < least ? value : least), first)
