import type { OfferRow, PublishedOffer } from '@millrace/sdk'
import { offerRow } from '@millrace/sdk'
import { type Hash, zeroAddress } from 'viem'
import type { AssetStanding, IndexedOffer } from '../search/SearchIndex.ts'

/** What search needs of an offer, packed for the table: a million of these are read at a start. */
export type Facets = readonly [
  gpuName: string | null,
  gpus: number,
  gpuRam: number | null,
  cpuCores: number,
  cpuRam: number,
  disk: number,
  price: number,
  region: string | null,
  network: string,
  runner: string,
  arch: string,
  duration: number,
  buyer: string | null,
]

/** The facets of a published offer. `decimals` are those of its currency. */
export function facetsOf(published: PublishedOffer, id: Hash, decimals: number): Facets {
  const row = offerRow(published, { id, decimals, reliability: null, verified: false })
  const { buyer } = published.offer
  return [
    row.gpu_name,
    row.num_gpus ?? 0,
    row.gpu_ram,
    row.cpu_cores ?? 0,
    row.cpu_ram ?? 0,
    row.disk ?? 0,
    row.price ?? 0,
    row.region,
    row.network ?? '',
    row.runner ?? '',
    row.arch ?? '',
    row.duration ?? 0,
    buyer === zeroAddress ? null : buyer.toLowerCase(),
  ]
}

/** An offer of the table, as the search index takes it. */
export function indexedOffer(
  stored: { id: string; asset: string; operator: string; expiry: bigint; facets: string; verified: boolean },
  standing: AssetStanding,
): IndexedOffer {
  // Written by this program alone; checking a million of them again would double the time to start.
  const facets = JSON.parse(stored.facets) as Facets
  const [
    gpu_name,
    num_gpus,
    gpu_ram,
    cpu_cores,
    cpu_ram,
    disk,
    price,
    region,
    network,
    runner,
    arch,
    duration,
  ] = facets
  const row: OfferRow = {
    gpu_name,
    num_gpus,
    gpu_ram,
    cpu_cores,
    cpu_ram,
    disk,
    price,
    region,
    network,
    runner,
    arch,
    reliability: standing.reliability,
    duration,
    verified: stored.verified,
    asset: stored.asset,
    operator: stored.operator,
    id: stored.id,
  }
  return { row, buyer: facets[12], expiry: Number(stored.expiry) }
}
