import type { OfferRow, PublishedOfferJson } from '@millrace/sdk'
import { createRandom, type Random } from './random.ts'

/** A machine on the market: name of the GPU, its memory in GiB, dollars an hour for one. */
type Machine = readonly [name: string, memoryGiB: number, dollars: number]

const gpus: readonly [Machine, ...Machine[]] = [
  ['RTX 4090', 24, 0.35],
  ['RTX 3090', 24, 0.2],
  ['RTX 5090', 32, 0.6],
  ['A100 80GB', 80, 1.3],
  ['H100', 80, 2.4],
  ['L40S', 48, 0.9],
  ['A6000', 48, 0.5],
  ['RTX 3060', 12, 0.08],
  ['H200', 141, 3.4],
  ['B200', 180, 5.5],
  ['V100', 32, 0.3],
  ['T4', 16, 0.15],
  ['MI300X', 192, 2.2],
  ['GH200', 96, 2],
]
const rare: Machine = ['B300', 288, 8]

export const regions = [
  'us-east',
  'eu-west',
  'us-west',
  'eu-north',
  'ap-south',
  'ap-east',
  'sa-east',
] as const
const counts = [1, 1, 1, 2, 4, 8, 8] as const

/** One offer: what search sees, and the document it stands for. */
export interface SyntheticOffer {
  readonly row: OfferRow
  readonly asset: bigint
  readonly operator: string
  readonly nonce: bigint
}

/** When every synthetic offer expires, seconds ahead of the start. */
export const LIFE = 80_000

/** Offers as a market would have them: few kinds of machines, many operators, prices around the going rate. */
export function* syntheticOffers(count: number, seed: number): Generator<SyntheticOffer> {
  const random = createRandom(seed)
  const operators = Array.from({ length: 20_000 }, () => random.hex(20)) as [string, ...string[]]
  for (let at = 0; at < count; at++) yield offerAt(at, random, operators)
}

function offerAt(at: number, random: Random, operators: readonly [string, ...string[]]): SyntheticOffer {
  // One in ten thousand is of a kind that hardly anyone has; one in five has no GPU.
  const usual = random.unit() < 0.2 ? undefined : random.pick(gpus, 1.6)
  const kind: Machine | undefined = at % 10_000 === 7 ? rare : usual
  const num = kind === undefined ? 0 : random.pick(counts)
  const cores = kind === undefined ? 2 ** (1 + random.below(6)) : num * (8 + 8 * random.below(3))
  const perGpu = kind?.[2] ?? 0.012 * cores
  const price = Math.round((num || 1) * perGpu * (0.6 + random.unit() * 0.9) * 10_000) / 10_000
  const operator = random.pick(operators, 2)
  return {
    asset: BigInt(1 + random.below(200_000)),
    operator,
    nonce: BigInt(at),
    row: {
      gpu_name: kind?.[0] ?? null,
      num_gpus: num,
      gpu_ram: kind?.[1] ?? null,
      cpu_cores: cores,
      cpu_ram: cores * (2 + 2 * random.below(4)),
      disk: 50 * (1 + random.below(80)),
      price,
      region: random.unit() < 0.1 ? null : random.pick(regions, 1.5),
      network: random.unit() < 0.3 ? 'public' : 'none',
      runner: 'sandbox',
      arch: random.unit() < 0.06 ? 'arm64' : 'x64',
      reliability: random.unit() < 0.4 ? null : Math.round((1 - random.unit() ** 3 * 0.4) * 1_000) / 1_000,
      duration: random.pick([1, 6, 24, 24, 24]),
      verified: random.unit() < 0.25,
      asset: '',
      operator,
      id: random.hex(32),
    },
  }
}

/** The published offer in JSON, of the size a real one has; its signature is noise. */
export function documentOf(offer: SyntheticOffer, expiry: number): PublishedOfferJson {
  const { row, asset, operator, nonce } = offer
  const noise = row.id ?? '0x'
  const address = `0x${noise.slice(2, 42)}` as const
  const hash = `0x${[...noise.slice(2)].reverse().join('')}` as const
  return {
    chainId: 31337,
    market: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
    currency: '0xe7f1725e7734ce288f8367e1bb143e90bb3f0512',
    operator,
    offer: {
      asset: asset.toString(),
      buyer: '0x0000000000000000000000000000000000000000',
      pricePerHour: Math.round((row.price ?? 0) * 1e6).toString(),
      bond: '0',
      minDuration: 60,
      maxDuration: (row.duration ?? 1) * 3600,
      startWindow: 60,
      expiry,
      spec: hash,
      terms: '0x0000000000000000000000000000000000000000000000000000000000000000',
      nonce: nonce.toString(),
    },
    signature: `${noise}${hash.slice(2)}1b`,
    spec: {
      version: 1,
      runner: 'sandbox',
      ...(row.region === null ? {} : { region: row.region }),
      network: row.network === 'public' ? 'public' : 'none',
      device: address,
      sessionKey: hash,
      os: 'linux',
      arch: row.arch ?? 'x64',
      cpus: row.cpu_cores ?? 1,
      cpuModel: 'AMD EPYC 9554 64-Core Processor',
      memoryMiB: (row.cpu_ram ?? 1) * 1024,
      diskMiB: (row.disk ?? 1) * 1024,
      gpus: Array.from({ length: Math.min(row.num_gpus ?? 0, 2) }, () => ({
        name: row.gpu_name ?? '',
        memoryMiB: (row.gpu_ram ?? 1) * 1024,
        uuid: `GPU-${noise.slice(2, 38)}`,
        driver: '580.95.05',
      })),
    },
    gateways: ['http://127.0.0.1:8787'],
  }
}
