import type { Channel, ChannelsDomain, SignedVoucher } from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual, zeroAddress } from 'viem'
import type { Curve } from '../curve/openCurve.ts'
import { createChannelHasher } from './createChannelHasher.ts'
import { ChannelForeignError, VoucherSignatureError } from './errors.ts'
import type { LedgerOptions } from './ledger.ts'

/** A channel that is the payee's. */
export interface OwnChannel {
  readonly id: Hash
  readonly channel: Channel
  /** In lower case, as the curve gives it. */
  readonly signer: string
}

/** Tells whose channel it is, and who signed. */
export interface Recognizer {
  /**
   * Finds a channel that a payment names whole.
   *
   * @param named The id that its voucher names: a guess that saves the hash where it is right.
   * @throws ChannelForeignError
   */
  recognize(channel: Channel, named: Hash): OwnChannel
  /** Throws VoucherSignatureError. */
  requireSigned(own: OwnChannel, signed: SignedVoucher): void
}

/** How many channels are remembered; a stranger's push out each other, not memory. */
const mostKnown = 100_000

/**
 * Makes what looks at every voucher first. A channel is hashed and compared with what the payee takes once: nearly every payment names
 * its channel as the one before did.
 */
export function createRecognizer(
  curve: Curve,
  options: ChannelsDomain & Pick<LedgerOptions, 'payee' | 'currency' | 'leastCloseDelay'>,
): Recognizer {
  const { payee, currency, leastCloseDelay = 900 } = options
  const hasher = createChannelHasher(curve, options)
  const account: Address = 'account' in payee ? payee.account : zeroAddress
  const asset = 'asset' in payee ? payee.asset : 0n
  const known = new Map<Hash, OwnChannel>()

  function requireOurs(id: Hash, channel: Channel): void {
    const foreign = (field: string, value: unknown, wanted: unknown) =>
      new ChannelForeignError({ channel: id, field, value, wanted })
    if (!isAddressEqual(channel.payee, account)) throw foreign('payee', channel.payee, account)
    if (channel.asset !== asset) throw foreign('asset', channel.asset, asset)
    if (!isAddressEqual(channel.currency, currency)) throw foreign('currency', channel.currency, currency)
    if (channel.closeDelay < leastCloseDelay)
      throw foreign('closeDelay', channel.closeDelay, `${leastCloseDelay} or more`)
  }

  return {
    recognize(channel, named) {
      const before = known.get(named)
      if (before !== undefined && isSame(before.channel, channel)) return before
      const id = hasher.channel(channel)
      requireOurs(id, channel)
      const own = { id, channel, signer: channel.signer.toLowerCase() }
      const [oldest] = known.keys()
      if (known.size >= mostKnown && oldest !== undefined) known.delete(oldest)
      known.set(id, own)
      return own
    },
    requireSigned({ id, signer, channel }, { voucher, signature }) {
      if (curve.recover(hasher.voucher(voucher), signature) !== signer)
        throw new VoucherSignatureError({ channel: id, signer: channel.signer })
    },
  }
}

const isSame = (a: Channel, b: Channel): boolean =>
  a.payer === b.payer &&
  a.signer === b.signer &&
  a.payee === b.payee &&
  a.asset === b.asset &&
  a.currency === b.currency &&
  a.closeDelay === b.closeDelay &&
  a.salt === b.salt
