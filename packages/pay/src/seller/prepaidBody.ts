import type { AnswerBody } from './answerBody.ts'
import { meterBody } from './meterBody.ts'
import type { Metered, MeterUnits } from './metered.ts'
import type { Reservation } from './scheme.ts'

/** An answer whose whole price is paid ahead: it ends where that is used up. */
export function prepaidBody(
  { body, headers }: Response,
  of: { readonly metered: Metered; readonly meter: MeterUnits | null; readonly reservation: Reservation },
): AnswerBody {
  if (body === null) return { type: 'whole', bytes: new Uint8Array() }
  const { metered, meter } = of
  const { payer, ceiling, capture, release } = of.reservation
  const { stream } = meterBody(body, {
    reservation: { payer, ceiling, capture, release },
    onEnd: () => Promise.resolve(),
    ...{ metered, count: meter?.(headers) ?? null, stretch: 0n, graceMs: 0, now: () => performance.now() },
  })
  return { type: 'stream', stream }
}
