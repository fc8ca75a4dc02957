import { requireRange } from '../errors/require.ts'

/** What a machine was paid for in a period, beside what can be known of what it did. */
export interface MeterReading {
  /** Machine seconds that payers paid for. */
  readonly paidSeconds: number
  /** Of them, those with a receipt that device and buyer signed. Operator and a false buyer can both sign: it bounds nothing alone. */
  readonly receiptSeconds: number
  /** Seconds for sale in the period: machines × time that they were up. */
  readonly availableSeconds: number
  /** Share of asked capacity challenges that were answered well: machines that are really there. Null if none were asked. */
  readonly challengesPassed: number | null
  /** Energy used, from the site's meter; null if nobody signs it. */
  readonly energyKwh: number | null
  /** Power of one machine at rest and at work, in watts. */
  readonly idleWatts: number
  readonly busyWatts: number
}

/** How far physics supports what was paid. */
export interface MeterCheck {
  /** Machine seconds that could have been delivered. */
  readonly supportedSeconds: number
  /** Share of the paid seconds that is supported, of [0, 1]; 1 if nothing was paid. */
  readonly supported: number
  /** What the paid seconds exceed. */
  readonly limits: readonly {
    readonly by: 'receipts' | 'capacity' | 'challenges' | 'energy'
    readonly seconds: number
  }[]
}

/**
 * Holds paid seconds against receipts, capacity, challenges and energy: machines cannot work more seconds than there are, and work
 * takes energy. It bounds what was delivered, not to whom: an operator that really runs its machines for itself passes it, and pays with the hours.
 * Throws {@link ParameterError}.
 *
 * @example
 * checkMeter({ paidSeconds: 100, receiptSeconds: 90, availableSeconds: 200, challengesPassed: 1, energyKwh: null, idleWatts: 100, busyWatts: 700 }).supported // 0.9
 */
export function checkMeter(reading: MeterReading): MeterCheck {
  const most = [0, Number.MAX_VALUE] as const
  const paid = requireRange('paid seconds', reading.paidSeconds, most)
  const available = requireRange('available seconds', reading.availableSeconds, most)
  const idle = requireRange('power at rest', reading.idleWatts, most)
  const busy = requireRange('power at work', reading.busyWatts, [idle, Number.MAX_VALUE])
  const bounds: { readonly by: MeterCheck['limits'][number]['by']; readonly seconds: number }[] = [
    { by: 'receipts', seconds: requireRange('seconds with a receipt', reading.receiptSeconds, most) },
    { by: 'capacity', seconds: available },
  ]
  if (reading.challengesPassed !== null)
    bounds.push({
      by: 'challenges',
      seconds: available * requireRange('share of passed challenges', reading.challengesPassed, [0, 1]),
    })
  if (reading.energyKwh !== null && busy > idle) {
    const joules = requireRange('energy', reading.energyKwh, most) * 3.6e6
    // Every available second draws power at rest; what is above it is work.
    bounds.push({ by: 'energy', seconds: Math.max(0, (joules - available * idle) / (busy - idle)) })
  }
  const supportedSeconds = bounds.reduce((least, { seconds }) => Math.min(least, seconds), paid)
  return {
    supportedSeconds,
    supported: paid === 0 ? 1 : supportedSeconds / paid,
    limits: bounds.filter(({ seconds }) => seconds < paid),
  }
}
