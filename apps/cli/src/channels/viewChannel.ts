import { type Address, isAddressEqual } from 'viem'
import { batchEndsAt, batchLifeOf } from './findBatchChannels.ts'
import { type AnyChannel, claimable } from './findChannels.ts'

/** A channel of either scheme in the same words. Amounts in base units, times in seconds. */
export interface ChannelView {
  readonly payer: Address
  /** Signs vouchers for the payer. */
  readonly signer: Address
  /** Account that is paid; for an asset the zero address. */
  readonly payee: Address
  readonly asset: bigint
  readonly state: 'none' | 'open' | 'closing'
  readonly deposit: bigint
  readonly claimed: bigint
  readonly closeDelay: number
  /** From when its end can be completed; 0 where it is not announced. */
  readonly closesAt: number
}

/** Reads a channel of either scheme. */
export function viewChannel(known: AnyChannel): ChannelView {
  if (known.scheme === 'stream') {
    const { payer, signer, payee, asset, closeDelay } = known.channel
    const { state, deposit, claimed, closesAt } = known.onChain
    return { payer, signer, payee, asset, state, deposit, claimed, closeDelay, closesAt }
  }
  const { payer, payerAuthorizer: signer, receiver: payee, withdrawDelay: closeDelay } = known.config
  const { balance: deposit, totalClaimed: claimed } = known.onChain
  const life = { state: batchLifeOf(known), closesAt: batchEndsAt(known) }
  return { payer, signer, payee, asset: 0n, deposit, claimed, closeDelay, ...life }
}

export const payeeOf = ({ payee, asset }: ChannelView): string => (asset === 0n ? payee : `asset ${asset}`)

/** A channel as programs read it. */
export function channelToJson(known: AnyChannel) {
  const { id, scheme, side, promised, charged } = known
  const view = viewChannel(known)
  const terms =
    known.scheme === 'stream'
      ? { ...known.channel, epoch: known.epoch }
      : {
          ...{ payer: view.payer, signer: view.signer, payee: view.payee, asset: 0n },
          ...{ currency: known.config.token, closeDelay: view.closeDelay, salt: known.config.salt },
          ...{ receiverAuthorizer: known.config.receiverAuthorizer, pending: known.pending },
        }
  const { state, deposit, claimed, closesAt } = view
  return {
    ...{ id, scheme, side, ...terms, state, deposit, promised, charged, claimed, closesAt },
    ...{ claimable: claimable(known), service: known.service },
  }
}

/** What account a channel belongs to on the side that this home has. */
export const isOwnedBy = (known: AnyChannel, account: Address): boolean => {
  const { payer, payee } = viewChannel(known)
  return isAddressEqual(account, known.side === 'payee' ? payee : payer)
}
