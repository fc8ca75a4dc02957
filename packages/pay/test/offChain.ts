import {
  type Channel,
  type ChannelState,
  createTickChain,
  hashChannel,
  signVoucher,
  type TickChain,
  type Voucher,
} from '@millrace/sdk'
import { type Address, type Hash, zeroAddress, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { ChannelPayment } from '../src/index.ts'

/** Where the channels of tests without a chain would be. */
export const domain = { chainId: 31_337, channels: `0x${'c4'.repeat(20)}` } as const
export const currency: Address = `0x${'c0'.repeat(20)}`
export const payee: Address = `0x${'0e'.repeat(20)}`

const keys = new Map<number, ReturnType<typeof privateKeyToAccount>>()
/** The account of a number. */
export function accountOf(index: number) {
  const known = keys.get(index) ?? privateKeyToAccount(`0x${(index + 1).toString(16).padStart(64, '0')}`)
  keys.set(index, known)
  return known
}

/** A payer's channel to `payee`, signed by the payer's own key. */
export function channelOf(index: number, changes: Partial<Channel> = {}): Channel {
  const { address } = accountOf(index)
  const parties = { payer: address, signer: address, payee, asset: 0n, currency }
  return { ...parties, closeDelay: 900, salt: zeroHash, ...changes }
}

export const idOf = (channel: Channel): Hash => hashChannel(channel, domain)

/** What the chain says of a channel that was opened and never touched since. */
export function openState(
  channel: Channel,
  deposit: bigint,
  changes: Partial<ChannelState> = {},
): ChannelState {
  return {
    ...{ id: idOf(channel), state: 'open', deposit, claimed: 0n, epoch: 0n, closesAt: 0 },
    ...changes,
  }
}

/** A payment of `cumulative` in all, with `ticks` of a chain where one is given. */
export async function paymentOf(
  index: number,
  cumulative: bigint,
  options: {
    readonly channel?: Channel
    readonly voucher?: Partial<Voucher>
    readonly chain?: TickChain
    readonly ticks?: number
    readonly tickPrice?: bigint
  } = {},
): Promise<ChannelPayment> {
  const { channel = channelOf(index), chain, ticks = 0, tickPrice = 1n } = options
  const voucher: Voucher = {
    channel: idOf(channel),
    epoch: 0n,
    cumulative,
    anchor: chain?.anchor ?? zeroHash,
    tickPrice: chain === undefined ? 0n : tickPrice,
    maxTicks: chain?.length ?? 0,
    terms: zeroHash,
    ...options.voucher,
  }
  const signature = await signVoucher(accountOf(index), voucher, domain)
  const shown = chain === undefined || ticks === 0 ? {} : { tick: { word: chain.word(ticks), ticks } }
  return { channel, voucher, signature, ...shown }
}

/** A chain of words from a number. */
export const chainOf = (seed: number, length = 64) =>
  createTickChain(`0x${seed.toString(16).padStart(64, '0')}`, length)

export const nobody = zeroAddress
