// Payers and a payee of channels without a chain: what it would say is known, and a payee asks it once a channel.
import { type ChannelPayment, openCurve } from '@millrace/pay'
import {
  type Channel,
  type ChannelState,
  type Currency,
  type Deployment,
  hashChannel,
  hashVoucher,
  type Voucher,
} from '@millrace/sdk'
import { type Address, type Hash, hexToBytes, zeroAddress, zeroHash } from 'viem'

const curve = await openCurve()

export const deployment: Deployment = {
  chainId: 31_337,
  ...{
    assets: zeroAddress,
    till: `0x${'11'.repeat(20)}`,
    market: zeroAddress,
    channels: `0x${'c4'.repeat(20)}`,
  },
  currencies: [],
  epochLength: 5,
}
export const currency: Currency = {
  address: `0x${'c0'.repeat(20)}`,
  symbol: 'TUSD',
  decimals: 6,
  name: 'Test Dollar',
  version: '1',
}
export const payee: Address = `0x${'0e'.repeat(20)}`

export interface Payer {
  readonly key: Uint8Array
  readonly channel: Channel
  readonly id: Hash
}

/** Payer number `index`, with a channel of its own. */
export function payerOf(index: number): Payer {
  const key = hexToBytes(`0x${(index + 1).toString(16).padStart(64, '0')}`)
  const address = curve.addressOf(key)
  const parties = { payer: address, signer: address, payee, asset: 0n, currency: currency.address }
  const channel: Channel = { ...parties, closeDelay: 900, salt: zeroHash }
  return { key, channel, id: hashChannel(channel, deployment) }
}

/** What the chain would say of a payer's channel. */
export const stateOf = async (id: Hash): Promise<ChannelState> => ({
  ...{ id, state: 'open', deposit: 10n ** 15n, claimed: 0n, epoch: 0n, closesAt: 0 },
})

/** A payer's voucher of `cumulative` base units, with `ticks` of a chain of words where it has one. */
export function paymentOf(
  { key, channel, id }: Payer,
  cumulative: bigint,
  ticks: Partial<Voucher> = {},
): ChannelPayment {
  const nothing = { anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash }
  const voucher: Voucher = { channel: id, epoch: 0n, cumulative, ...nothing, ...ticks }
  return { channel, voucher, signature: curve.sign(hexToBytes(hashVoucher(voucher, deployment)), key) }
}
