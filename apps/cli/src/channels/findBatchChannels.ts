import { basename, join } from 'node:path'
import { readEntries } from '@millrace/journal'
import {
  type BatchConfig,
  type BatchState,
  batchConfigSchema,
  createBatchHasher,
  openCurve,
  readBatchChannel,
} from '@millrace/pay'
import { uintSchema } from '@millrace/sdk'
import type { Hash } from 'viem'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import { foldersOf } from './foldersOf.ts'

/** A channel of x402's `batch-settlement` of this home, from one side. Amounts in base units. */
export interface BatchHomeChannel {
  readonly scheme: 'batch-settlement'
  readonly id: Hash
  readonly side: 'payer' | 'payee'
  readonly config: BatchConfig
  /** Promised in all by vouchers. */
  readonly promised: bigint
  readonly charged: bigint
  /** As payer, what was paid for last: `GET https://…`. */
  readonly service: string | null
  /** As payer, the file that it stands in: of `pay`, or of the MCP server. */
  readonly file: string | null
  /** As payer, a deposit that was signed and is not seen on chain; until when, in Unix seconds, it can be made. */
  readonly pending: { readonly amount: bigint; readonly validBefore: bigint } | null
  readonly onChain: BatchState
}

type Known = Omit<BatchHomeChannel, 'onChain'>

const voucherSchema = z.object({ maxClaimableAmount: uintSchema(128) })
const signedSchema = z.object({
  config: batchConfigSchema,
  signed: uintSchema(128),
  charged: uintSchema(128),
  pending: z.object({ amount: uintSchema(128), validBefore: uintSchema(64) }).nullable(),
  service: z.string().nullable().default(null),
})
const booksSchema = z.array(
  z.object({ config: batchConfigSchema, best: voucherSchema.nullable(), spent: uintSchema(128) }),
)

/** All channels of `batch-settlement` of this home on a network, each as it stands on chain. */
export async function findBatchChannels(connection: Connection): Promise<readonly BatchHomeChannel[]> {
  const { paths, deployment, client, currency } = connection
  const { chainId } = deployment
  const hasher = createBatchHasher(await openCurve())
  const found = new Map<string, Known>()
  const keep = (known: Omit<Known, 'id' | 'scheme'>) => {
    const id = hasher.channel(chainId, known.config)
    found.set(`${known.side} ${id}`, { ...known, id, scheme: 'batch-settlement' })
  }
  const tools = join(paths.home, 'mcp', `${chainId}-${currency.address.toLowerCase()}`)
  const signed = [
    ...foldersOf(tools).filter((path) => /^batch-0x[0-9a-f]{40}\.jsonl$/.test(basename(path))),
    ...foldersOf(join(paths.pay, String(chainId))).map((folder) => join(folder, 'batch.jsonl')),
  ]
  for (const file of signed)
    for (const entry of readEntries(file)) {
      const { data } = signedSchema.safeParse(entry)
      if (data === undefined) continue
      const { config, signed: promised, charged, pending, service } = data
      keep({ side: 'payer', config, promised, charged, pending, service, file })
    }
  for (const folder of foldersOf(join(paths.sell, String(chainId))))
    for (const entry of readEntries(join(folder, 'batch.jsonl')))
      for (const { config, best, spent: charged } of booksSchema.safeParse(entry).data ?? []) {
        const promised = best?.maxClaimableAmount ?? 0n
        keep({ side: 'payee', config, promised, charged, pending: null, service: null, file: null })
      }
  return Promise.all(
    [...found.values()].map(async (known) => ({
      ...known,
      onChain: await readBatchChannel(client, { channel: known.id }),
    })),
  )
}

/** In which part of its life a channel is: with money in it, left by its payer, or with nothing that is not claimed. */
export function batchLifeOf({ onChain }: BatchHomeChannel): 'open' | 'closing' | 'none' {
  if (onChain.withdrawRequestedAt !== 0) return 'closing'
  return onChain.balance > onChain.totalClaimed ? 'open' : 'none'
}

/** From when a payer that leaves takes the rest, in Unix seconds; 0 while it does not leave. */
export const batchEndsAt = ({ onChain, config }: BatchHomeChannel): number =>
  onChain.withdrawRequestedAt === 0 ? 0 : onChain.withdrawRequestedAt + config.withdrawDelay

/** What the payee can still claim: what was charged, within what was promised and is there. */
export function batchClaimable({ side, charged, promised, onChain }: BatchHomeChannel): bigint {
  if (side === 'payer') return 0n
  const { balance, totalClaimed } = onChain
  const most = [charged, promised, balance].reduce((least, each) => (each < least ? each : least))
  return most > totalClaimed ? most - totalClaimed : 0n
}
