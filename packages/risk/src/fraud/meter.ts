import { requireRange } from '../errors/require.ts'

/** What a machine was paid for in a period, beside what can be known of what it did. Null where nobody reads it. */
export interface MeterReading {
  /** Machine seconds that payers paid for. */
  readonly paidSeconds: number
  /** Revenue that was paid for them, in the currency's smallest unit. Default: all of the period. */
  readonly paid?: bigint
  /** Of them, those with a receipt that device and buyer signed. Operator and a false buyer can both sign: it bounds nothing alone. */
  readonly receiptSeconds: number | null
  /** Seconds for sale in the period: machines × time that they were up. */
  readonly availableSeconds: number | null
  /** Share of asked capacity challenges that were answered well: machines that are really there. */
  readonly challengesPassed: number | null
  /** Energy used, from the site's meter; says something only beside the seconds for sale. */
  readonly energyKwh: number | null
  /** Power of one machine at rest and at work, in watts. */
  readonly idleWatts: number
  readonly busyWatts: number
}

/** What can be read of a machine. */
export type MeterSource = 'receipts' | 'capacity' | 'challenges' | 'energy'

/** How far physics supports what was paid. */
export interface MeterCheck {
  /** As read. */
  readonly paidSeconds: number
  readonly paid: bigint | null
  /** Machine seconds that could have been delivered. */
  readonly supportedSeconds: number
  /** Share of the paid seconds that is supported, of [0, 1]; 1 if nothing was paid. */
  readonly supported: number
  /** What the paid seconds exceed. */
  readonly limits: readonly { readonly by: MeterSource; readonly seconds: number }[]
  /** What nobody reads: it supports nothing and limits nothing. */
  readonly unread: readonly MeterSource[]
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
  const idle = requireRange('power at rest', reading.idleWatts, most)
  const busy = requireRange('power at work', reading.busyWatts, [idle, Number.MAX_VALUE])
  const { receiptSeconds, availableSeconds, challengesPassed, energyKwh } = reading
  const bounds: { readonly by: MeterSource; readonly seconds: number }[] = []
  if (receiptSeconds !== null)
    bounds.push({ by: 'receipts', seconds: requireRange('seconds with a receipt', receiptSeconds, most) })
  const available =
    availableSeconds === null ? null : requireRange('available seconds', availableSeconds, most)
  if (available !== null) bounds.push({ by: 'capacity', seconds: available })
  if (challengesPassed !== null) {
    const passed = requireRange('share of passed challenges', challengesPassed, [0, 1])
    // Without a count of what was for sale, of what was sold.
    bounds.push({ by: 'challenges', seconds: (available ?? paid) * passed })
  }
  if (energyKwh !== null && available !== null && busy > idle) {
    const joules = requireRange('energy', energyKwh, most) * 3.6e6
    // Every available second draws power at rest; what is above it is work.
    bounds.push({ by: 'energy', seconds: Math.max(0, (joules - available * idle) / (busy - idle)) })
  }
  const supportedSeconds = bounds.reduce((least, { seconds }) => Math.min(least, seconds), paid)
  const read = new Set(bounds.map(({ by }) => by))
  return {
    paidSeconds: paid,
    paid: reading.paid ?? null,
    supportedSeconds,
    supported: paid === 0 ? 1 : supportedSeconds / paid,
    limits: bounds.filter(({ seconds }) => seconds < paid),
    unread: meterSources.filter((source) => !read.has(source)),
  }
}

/** All that could be read. */
export const meterSources = ['receipts', 'capacity', 'challenges', 'energy'] as const
