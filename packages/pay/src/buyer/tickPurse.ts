import { createTickChain, type TickChain, type Voucher } from '@millrace/sdk'
import type { Hex } from 'viem'
import { toHex } from '../curve/words.ts'
import type { ChannelPayment } from '../ledger/payment.ts'

/** Payments that one signature is good for: as many words are hashed when it is made. */
const chainLength = 128

/** The voucher that was signed last on a channel, and the words of its chain that were shown. */
export interface TickPurse {
  readonly voucher: Voucher
  readonly signature: Promise<Hex>
  readonly chain: TickChain
  used: number
}

/** What a new voucher promises word by word; it is kept in memory only, and a voucher without it is as good. */
export function newChain(price: bigint): Pick<TickPurse, 'chain'> & { readonly tickPrice: bigint } {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(32)))
  return { chain: createTickChain(secret, chainLength), tickPrice: price }
}

/**
 * How many words more promise just `missing` base units; null if words of this chain cannot, for it is used up, has another
 * price, or stands for another life or other terms.
 */
export function ticksFor(
  { voucher, chain, used }: TickPurse,
  { missing, epoch, terms }: { readonly missing: bigint } & Pick<Voucher, 'epoch' | 'terms'>,
): number | null {
  if (voucher.epoch !== epoch || voucher.terms !== terms) return null
  if (missing % voucher.tickPrice !== 0n) return null
  const more = missing / voucher.tickPrice
  return more <= BigInt(chain.length - used) ? Number(more) : null
}

/** What is sent of a purse: the voucher, and the last word that was shown. */
export async function paymentOf({
  voucher,
  signature,
  chain,
  used,
}: TickPurse): Promise<Omit<ChannelPayment, 'channel'>> {
  const tick = used === 0 ? {} : { tick: { word: chain.word(used), ticks: used } }
  return { voucher, signature: await signature, ...tick }
}
