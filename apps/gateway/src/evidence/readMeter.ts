import type { MeterReading } from '@millrace/risk/fraud'
import type { Session } from '../database/Database.ts'

/** What this index knows of what a machine did; the rest is null, because nobody reads it here. */
export interface IndexedMeter {
  readonly reading: MeterReading
  /** Leases that were settled in the period. */
  readonly leases: number
  /** Capacity challenges that stand, by spec of the machine's device. */
  readonly challenges: { readonly passed: number; readonly asked: number } | null
}

/**
 * Reads the meter of an asset from the index: seconds that were sold by leases settled in the period, with what was paid for them, and this
 * gateway's capacity challenges of its device since the period began. Receipts stay with buyer and device, the chain does not say how much of an asset is for
 * sale at once, and nobody signs energy: they are none.
 */
export async function readMeter(
  session: Session,
  of: { readonly asset: bigint; readonly device: string; readonly from: number; readonly to: number },
): Promise<IndexedMeter> {
  const { asset, device, from, to } = of
  const [sold] = await session.query<{ leases: bigint; seconds: string; paid: string }>(
    `select count(*) as leases, coalesce(sum(earned * 3600 / price_per_hour), 0)::text as seconds,
       coalesce(sum(earned), 0)::text as paid
     from chain.leases
     where asset = $1 and settled_at >= $2 and settled_at < $3 and earned > 0 and price_per_hour > 0`,
    [asset, from, to],
  )
  const [asked] = await session.query<{ asked: bigint; passed: bigint }>(
    `select count(*) as asked, count(*) filter (where verified) as passed
     from challenges where device = $1 and at >= $2`,
    [device.toLowerCase(), from],
  )
  const challenges =
    asked === undefined || asked.asked === 0n
      ? null
      : { passed: Number(asked.passed), asked: Number(asked.asked) }
  return {
    leases: Number(sold?.leases ?? 0),
    challenges,
    reading: {
      paidSeconds: Number(sold?.seconds ?? 0),
      paid: BigInt(sold?.paid ?? 0),
      receiptSeconds: null,
      availableSeconds: null,
      challengesPassed: challenges === null ? null : challenges.passed / challenges.asked,
      energyKwh: null,
      idleWatts: 0,
      busyWatts: 0,
    },
  }
}
