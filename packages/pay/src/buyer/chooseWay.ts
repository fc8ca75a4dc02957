import type { Currency, Deployment } from '@millrace/sdk'
import { getAddress, isAddress, isAddressEqual } from 'viem'
import { batchExtraSchema } from '../batch/batchExtraSchema.ts'
import { streamExtraSchema } from '../ledger/streamExtra.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { NoWayToPayError } from './errors.ts'

/** What a buyer can pay with, and will. */
export interface BuyerMeans {
  /** What is asked for, for the error. */
  readonly url: string
  /** CAIP-2. */
  readonly network: string
  readonly deployment: Deployment
  readonly currency: Currency
  /** Most that one answer may cost, in base units; null for what the budget allows. */
  readonly maxPrice: bigint | null
  /** Longest that a channel of `batch-settlement` may lock its deposit, in seconds. */
  readonly maxWithdrawDelay: number
  /** Whether it keeps channels, and those of x402; has a key for one-time payments; and asks a chain. */
  readonly channels: boolean
  readonly batch: boolean
  readonly signer: boolean
  readonly client: boolean
}

/**
 * Chooses among the ways to pay that a seller offers: a channel, which costs no transaction a payment, else the cheaper.
 *
 * @throws NoWayToPayError with a reason for each
 */
export function chooseWay(accepts: readonly PaymentRequirements[], means: BuyerMeans): PaymentRequirements {
  const reasons: string[] = []
  const ways = accepts.filter((way) => {
    const reason = objection(way, means)
    if (reason !== null) reasons.push(`${way.scheme}: ${reason}`)
    return reason === null
  })
  const [best] = ways.toSorted((a, b) => rank(b) - rank(a) || (BigInt(a.amount) < BigInt(b.amount) ? -1 : 1))
  if (best === undefined) throw new NoWayToPayError({ url: means.url, reasons })
  return best
}

const knownSchemes = new Set(['stream', 'batch-settlement', 'exact', 'upto'])
const rank = ({ scheme }: PaymentRequirements) =>
  scheme === 'stream' ? 2 : scheme === 'batch-settlement' ? 1 : 0

/** Why a way to pay cannot be taken; `null` if it can. */
function objection(way: PaymentRequirements, means: BuyerMeans): string | null {
  const { network, deployment, currency, maxPrice, maxWithdrawDelay } = means
  if (!knownSchemes.has(way.scheme)) return `scheme '${way.scheme}' is not known here`
  if (way.network !== network) return `network '${way.network}' is not '${network}'`
  if (!isAddress(way.asset) || !isAddressEqual(getAddress(way.asset), currency.address))
    return `currency '${way.asset}' is not '${currency.address}'`
  if (!isAddress(way.payTo)) return `'${way.payTo}' is no account`
  if (maxPrice !== null && BigInt(way.amount) > maxPrice)
    return `${way.amount} is more than the ${maxPrice} that one answer may cost`
  if (way.scheme === 'batch-settlement') {
    if (!means.batch) return 'no channels of x402 are kept here'
    const extra = batchExtraSchema.safeParse(way.extra)
    if (!extra.success) return `its terms cannot be read: ${extra.error.issues[0]?.message}`
    const { withdrawDelay } = extra.data
    return withdrawDelay <= maxWithdrawDelay
      ? null
      : `its deposit can be locked for ${withdrawDelay} s; here for ${maxWithdrawDelay} at most`
  }
  if (way.scheme !== 'stream') {
    if (!means.signer) return 'no key signs one-time payments here'
    if (way.scheme === 'upto') return means.client ? null : 'no chain is asked here'
    const method = way.extra?.assetTransferMethod ?? 'eip3009'
    return method === 'eip3009' ? null : `transfers by '${method}' are not signed here`
  }
  if (!means.channels) return 'no channels are kept here'
  const extra = streamExtraSchema.safeParse(way.extra)
  if (!extra.success) return `its terms cannot be read: ${extra.error.issues[0]?.message}`
  if (!isAddressEqual(getAddress(extra.data.channels), deployment.channels))
    return `channels contract '${extra.data.channels}' is not '${deployment.channels}'`
  return null
}
