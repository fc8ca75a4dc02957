import type { Hash } from 'viem'
import { formatUnits } from 'viem'
import type { PublishedOffer } from '../market/offer.ts'
import type { OfferRow } from './fields.ts'

/** What a query asks for and the offer itself does not say. */
export interface OfferRowOptions {
  readonly id: Hash
  /** Decimals of the currency. */
  readonly decimals: number
  /** From 0 to 1, or `null` where the chain knows nothing yet. */
  readonly reliability: number | null
  /** Whether a capacity challenge was passed. */
  readonly verified: boolean
}

/**
 * Puts an offer into the units of the query language.
 *
 * @param published The offer.
 * @param options Its id, the currency's decimals, reliability (0 to 1) and whether it was challenged.
 * @returns A row for `matches`. GPUs of one offer are taken to be alike: name of the first, least memory of all.
 * @example
 * const row = offerRow(published, { id, decimals: 6, reliability: null, verified: false })
 */
export function offerRow(published: PublishedOffer, options: OfferRowOptions): OfferRow {
  const { offer, operator, spec } = published
  const gib = (mebibytes: number) => mebibytes / 1024
  return {
    gpu_name: spec.gpus[0]?.name ?? null,
    num_gpus: spec.gpus.length,
    gpu_ram: spec.gpus.length === 0 ? null : gib(Math.min(...spec.gpus.map(({ memoryMiB }) => memoryMiB))),
    cpu_cores: spec.cpus,
    cpu_ram: gib(spec.memoryMiB),
    disk: gib(spec.diskMiB),
    price: Number(formatUnits(offer.pricePerHour, options.decimals)),
    region: spec.region ?? null,
    network: spec.network,
    runner: spec.runner,
    arch: spec.arch,
    reliability: options.reliability,
    duration: offer.maxDuration / 3600,
    verified: options.verified,
    asset: offer.asset.toString(),
    operator,
    id: options.id,
  }
}
