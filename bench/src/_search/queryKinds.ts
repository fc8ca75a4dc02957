import type { Random } from './random.ts'
import { regions } from './syntheticOffers.ts'

/** A search as a client sends it. */
export interface BenchQuery {
  readonly q: string
  readonly order: string
}

/** What people ask for, and what someone asks who wants it to be slow. Each call makes another query of its kind. */
export const queryKinds: Readonly<Record<string, (random: Random) => BenchQuery>> = {
  'cheapest of a common GPU': (random) => ({
    q: `gpu_name=${random.pick(['RTX_4090', 'H100', 'A100_80GB'])} num_gpus>=${random.pick([1, 2, 4, 8])}`,
    order: 'price',
  }),
  'usual: six terms': (random) => ({
    q: `num_gpus>=1 gpu_ram>=${random.pick([24, 48, 80])} cpu_ram>=32 disk>=200 price<${random.pick([1, 3, 10])} reliability>0.9`,
    order: 'price,num_gpus-',
  }),
  'CPU only in a region': (random) => ({
    q: `num_gpus=0 cpu_cores>=${random.pick([4, 16])} region=${random.pick(regions)}`,
    order: 'price',
  }),
  'everything, by price': () => ({ q: '', order: 'price' }),
  'everything, dearest first': () => ({ q: '', order: 'price-' }),
  'everything, by memory': () => ({ q: '', order: 'gpu_ram-,cpu_ram-,price' }),
  'everything, by a field of one value': () => ({ q: '', order: 'runner,network' }),
  'everything, by operator': (random) => ({ q: '', order: random.pick(['operator', 'operator-,asset']) }),
  'everything, by id': (random) => ({ q: '', order: random.pick(['id', 'id-']) }),
  'wide, by reliability': (random) => ({
    q: `num_gpus>=${random.below(2)} price>0`,
    order: 'reliability-,duration-,price',
  }),
  'rare: one in a hundred thousand': (random) => ({
    q: `gpu_name=B300 region=${random.pick(regions)} verified=true`,
    order: random.pick(['price', 'disk-']),
  }),
  'none matches': (random) => ({
    q: `num_gpus>=8 price<0.0${1 + random.below(9)} verified=false`,
    order: random.pick(['price', 'reliability-']),
  }),
  'twelve terms that all but few meet': () => ({
    q: 'price>0 num_gpus>=0 cpu_cores>=1 cpu_ram>1 disk>1 duration>=1 runner=sandbox arch!=none region!=moon network!=x gpu_name!=y price<999',
    order: 'cpu_cores-,disk',
  }),
  'five halves, by operator': () => ({
    q: 'reliability>=0.9 disk>=1000 cpu_ram>=64 region!=us-east verified=false',
    order: 'operator',
  }),
  'long lists': (random) => ({
    q: `gpu_name in [H100,H200,B200,L40S,T4,V100] region notin [sa-east,ap-east] num_gpus in [1,2,4] disk notin [${Array.from({ length: 60 }, () => 50 * random.below(80)).join(',')}]`,
    order: 'price',
  }),
}
