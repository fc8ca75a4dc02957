import { formatDecimal } from '../output/amounts.ts'
import { formatDuration } from '../output/durations.ts'
import type { Column } from '../output/printTable.ts'
import { theme } from '../output/theme.ts'
import type { FoundOffer } from './findOffers.ts'

const right = { align: 'right' } as const
const short = (value: number) => value.toFixed(1).replace(/\.0$/, '')
const gib = (mebibytes: number) => `${short(mebibytes / 1024)} GiB`
const specOf = ({ listing }: FoundOffer) => listing.published.spec

/** What a gateway's own challenge found: GFLOPS measured, and of how many claimed. */
function challengeOf({ verified, challenge }: FoundOffer['listing']): string {
  if (challenge === null) return '-'
  const { measured, claimed, verdict, code } = challenge
  const rates = `${measured === null ? '?' : short(measured)}${claimed === null ? '' : ` of ${short(claimed)}`} GFLOPS`
  if (verified) return theme.green(measured === null ? '✓' : `✓ ${rates}`)
  return verdict === 'below' ? theme.red(`✗ ${rates}`) : theme.yellow(`? ${code ?? verdict}`)
}

/** Columns of an offer, as people know them from other markets. `now` in Unix seconds. */
export function offerColumns(now: number): readonly Column<FoundOffer>[] {
  return [
    { head: 'ID', of: ({ listing }) => listing.id.slice(0, 10) },
    { head: 'GPU', of: ({ row }) => row.gpu_name ?? '-' },
    { head: 'N', of: (offer) => String(specOf(offer).gpus.length), ...right },
    {
      head: 'VRAM',
      of: (offer) => (offer.row.gpu_ram === null ? '-' : gib(offer.row.gpu_ram * 1024)),
      ...right,
    },
    { head: 'CPUS', of: (offer) => short(specOf(offer).cpus), ...right },
    { head: 'RAM', of: (offer) => gib(specOf(offer).memoryMiB), ...right },
    { head: 'DISK', of: (offer) => gib(specOf(offer).diskMiB), ...right },
    {
      head: '$/H',
      of: ({ listing, currency }) => formatDecimal(listing.published.offer.pricePerHour, currency.decimals),
      ...right,
    },
    { head: 'REGION', of: ({ row }) => row.region ?? '-' },
    {
      head: 'RELIABILITY',
      of: ({ row }) => (row.reliability === null ? 'new' : `${(row.reliability * 100).toFixed(1)} %`),
      ...right,
    },
    { head: 'CHALLENGE', of: ({ listing }) => challengeOf(listing) },
    { head: 'MAX', of: ({ listing }) => formatDuration(listing.published.offer.maxDuration), ...right },
    { head: 'ASSET', of: ({ listing }) => String(listing.published.offer.asset), ...right },
    {
      head: 'EXPIRES',
      of: ({ listing }) => `in ${formatDuration(Math.max(0, listing.published.offer.expiry - now))}`,
      ...right,
    },
  ]
}
