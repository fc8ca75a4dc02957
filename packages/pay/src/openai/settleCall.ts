import { callReceiptHeader } from '../seller/callReceipt.ts'
import { PaymentRefusedError } from '../seller/errors.ts'
import type { Charged } from '../seller/paidHeaders.ts'
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
  options: Pick<AnswerOptions, 'call' | 'network' | 'open' | 'onCharge' | 'quote' | 'reservation' | 'sign'>,
  { meter, outcome }: { readonly meter: Meter; readonly outcome: StreamOutcome },
): Promise<Settlement> {
  const { call, open, reservation } = options
  if (outcome === 'unsent' || (outcome !== 'complete' && !meter.begun())) {
    await reservation.release('nothing was delivered')
    return { charged: 0n, headers: {} }
  }
  const metered = meter.read()
  const charged = dueOf(options, meter)
  const say = (how: Charge['outcome']) =>
    options.onCharge?.({
      model: call.model.id,
      route: call.route,
      payer: reservation.payer,
      charged,
      outcome: how,
      ...metered,
    })
  if (charged === 0n) {
    await reservation.release('there is nothing to charge')
    say(outcome)
    // It was paid by an earlier try; a payer that is told nothing counts the price again.
    return { charged, headers: (options.open?.credit ?? 0n) > 0n ? nothingCharged(options) : {} }
  }
  let settled: SettleResponse
  try {
    settled = await reservation.capture(charged)
    if (!settled.success)
      throw new SettlementFailedError({ reason: settled.errorReason ?? 'no reason is given' })
  } catch (error) {
    say('unsettled')
    // What became of it is not known otherwise: a repetition sees it through.
    if (error instanceof PaymentRefusedError) open?.forgetLeft()
    if (error instanceof SettlementFailedError) throw error
    throw new SettlementFailedError({ reason: 'the payment scheme failed', cause: error })
  }
  say(outcome)
  return {
    charged,
    headers: await paidHeaders(options, { settled, amount: charged, payer: reservation.payer }),
  }
}

/** What the buyer is told where nothing was charged. */
export function nothingCharged({ network }: Pick<AnswerOptions, 'network'>): Settlement['headers'] {
  const settled: SettleResponse = { success: true, transaction: '', network, amount: '0' }
  return { 'payment-response': Buffer.from(JSON.stringify(settled)).toString('base64') }
}

/** Base units that are charged for what was delivered. */
export function dueOf(
  { open, reservation, quote }: Pick<AnswerOptions, 'open' | 'quote' | 'reservation'>,
  meter: Meter,
): bigint {
  const cost = least(meter.read().cost, quote, reservation.ceiling)
  const credit = open?.credit ?? 0n
  return cost > credit ? cost - credit : 0n
}

/** What the buyer is told of a payment. */
export async function paidHeaders(
  { sign }: Pick<AnswerOptions, 'sign'>,
  charged: Pick<Charged, 'settled' | 'amount' | 'payer'>,
): Promise<Settlement['headers']> {
  const response = Buffer.from(JSON.stringify(charged.settled)).toString('base64')
  const signed = await sign?.(charged)
  return {
    'payment-response': response,
    ...(signed === undefined ? {} : { [callReceiptHeader.toLowerCase()]: signed }),
  }
}

const least = (first: bigint, ...rest: bigint[]) =>
  rest.reduce((least, value) => (value < least ? value : least), first)
