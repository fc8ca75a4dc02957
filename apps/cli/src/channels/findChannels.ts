import { basename, join } from 'node:path'
import { readEntries } from '@millrace/journal'
import {
  type Channel,
  type ChannelState,
  channelSchema,
  getChannel,
  hashChannel,
  hashSchema,
  signatureSchema,
  uintSchema,
  type VoucherClaim,
  voucherSchema,
  voucherWorth,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import { ChannelAmbiguousError, ChannelMissingError } from './errors.ts'
import { type BatchHomeChannel, batchClaimable, findBatchChannels } from './findBatchChannels.ts'
import { foldersOf } from './foldersOf.ts'

/** A channel of this home, from one side. Amounts in base units. */
export interface HomeChannel {
  readonly scheme: 'stream'
  readonly id: Hash
  readonly side: 'payer' | 'payee'
  readonly channel: Channel
  /** The life in which this home knows it. */
  readonly epoch: bigint
  /** Promised in all: as payer what was signed, as payee what vouchers and ticks are worth. */
  readonly promised: bigint
  readonly charged: bigint
  /** As payee, the best that can be claimed. */
  readonly best: VoucherClaim | null
  /** As payer, what was paid for last: `GET https://…`. */
  readonly service: string | null
  /** As payer, the file that it stands in: of `pay`, or of the MCP server. */
  readonly file: string | null
  readonly onChain: ChannelState
}

type Known = Omit<HomeChannel, 'onChain' | 'scheme'>

const signedSchema = z.object({
  channel: channelSchema,
  epoch: uintSchema(64),
  signed: uintSchema(128),
  charged: uintSchema(128),
  service: z.string().nullable().default(null),
})
const booksSchema = z.array(
  z.object({
    id: hashSchema,
    channel: channelSchema,
    epoch: uintSchema(64),
    best: z.object({ voucher: voucherSchema, signature: signatureSchema }).nullable(),
    ticks: z.int().min(0),
    word: hashSchema.nullable(),
    spent: uintSchema(128),
  }),
)

/** All channels of ours of this home on a network, each as it stands on chain. */
async function findOwnChannels(connection: Connection): Promise<readonly HomeChannel[]> {
  const { paths, deployment, client } = connection
  const found = new Map<string, Known>()
  const chain = String(deployment.chainId)
  const { address } = connection.currency
  const tools = join(paths.home, 'mcp', `${chain}-${address.toLowerCase()}`)
  const signed = [
    ...foldersOf(tools).filter((path) => /^channels-0x[0-9a-f]{40}\.jsonl$/.test(basename(path))),
    ...foldersOf(join(paths.pay, chain)).map((folder) => join(folder, 'channels.jsonl')),
  ]
  for (const file of signed)
    for (const entry of readEntries(file)) {
      const read = signedSchema.safeParse(entry)
      if (!read.success) continue
      const { channel, epoch, signed: promised, charged, service } = read.data
      const id = hashChannel(channel, deployment)
      found.set(`payer ${id}`, {
        ...{ id, side: 'payer', channel, epoch, promised, charged, best: null, service, file },
      })
    }
  for (const folder of foldersOf(join(paths.sell, chain)))
    for (const entry of readEntries(join(folder, 'ledger.jsonl')))
      for (const book of booksSchema.safeParse(entry).data ?? []) {
        const { id, channel, epoch, best, ticks, word, spent } = book
        const promised = best === null ? 0n : voucherWorth(best.voucher, ticks)
        const shown: { word?: Hash; ticks?: number } = word === null ? {} : { word, ticks }
        const claim = best === null ? null : { channel, ...best, ...shown }
        found.set(`payee ${id}`, {
          ...{
            id,
            side: 'payee',
            channel,
            epoch,
            promised,
            charged: spent,
            best: claim,
            service: null,
            file: null,
          },
        })
      }
  return Promise.all(
    [...found.values()].map(async (known) => ({
      ...known,
      scheme: 'stream' as const,
      onChain: await getChannel(client, { deployment, channel: known.id }),
    })),
  )
}

/** All channels of this home on a network: ours, and those of x402's own contract. */
export const findChannels = async (connection: Connection): Promise<readonly AnyChannel[]> =>
  (await Promise.all([findOwnChannels(connection), findBatchChannels(connection)])).flat()

/** A channel of this home by either scheme. */
export type AnyChannel = HomeChannel | BatchHomeChannel

/**
 * The one channel that begins with these digits; both sides of it if this home has both.
 *
 * @throws ChannelMissingError, ChannelAmbiguousError
 */
export async function findChannel(connection: Connection, prefix: string): Promise<readonly AnyChannel[]> {
  const all = await findChannels(connection)
  const matching = all.filter(({ id }) => id.startsWith(prefix.toLowerCase()))
  const ids = [...new Set(matching.map(({ id }) => id))]
  if (ids.length > 1) throw new ChannelAmbiguousError({ prefix, found: ids })
  if (ids.length === 0) throw new ChannelMissingError({ prefix, network: connection.network })
  return matching
}

/** What can still be claimed: of this life of the channel, within its deposit. */
export function claimable(known: AnyChannel): bigint {
  if (known.scheme === 'batch-settlement') return batchClaimable(known)
  const { best, epoch, promised, onChain } = known
  if (best === null || onChain.state === 'none' || epoch !== onChain.epoch) return 0n
  const worth = promised < onChain.deposit ? promised : onChain.deposit
  return worth > onChain.claimed ? worth - onChain.claimed : 0n
}
