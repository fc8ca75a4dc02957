import { type Address, type Hash, type Hex, isAddressEqual } from 'viem'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import type { MarketDomain } from '../market/domain.ts'
import { hashReceipt, type Receipt } from './receipt.ts'

/** What a receipt is held against. Leave out what you do not know; it is then taken from the receipt itself. */
export interface VerifyReceiptOptions extends MarketDomain {
  /** The device you hired. */
  readonly device?: Address
  /** Who hired it. */
  readonly buyer?: Address
  /** The lease you opened. */
  readonly lease?: Hash
  /** `terms` of the offer you opened: the hash of what was agreed, zero at the list price. */
  readonly terms?: Hash
  /** `hashJob` of what you sent. */
  readonly job?: Hash
  /** SHA-256 of the outputs archive you hold. */
  readonly outputs?: Hash
  /** SHA-256 of the log you hold. */
  readonly log?: Hash
}

/** Why a receipt does not hold. */
export interface ReceiptFault {
  readonly code:
    | 'DEVICE_SIGNATURE'
    | 'BUYER_SIGNATURE'
    | 'DEVICE'
    | 'BUYER'
    | 'LEASE'
    | 'TERMS'
    | 'JOB'
    | 'OUTPUTS'
    | 'LOG'
    | 'TIMES'
  readonly message: string
}

/** The answer to "does this receipt hold?". */
export interface ReceiptVerdict {
  /** The device's signature is good, nothing contradicts, and the buyer's signature is good or absent. */
  readonly valid: boolean
  /** Both signed: usage evidence. */
  readonly acknowledged: boolean
  /** The digest that was signed. */
  readonly digest: Hash
  /** Everything that is wrong; empty if valid. */
  readonly reasons: readonly ReceiptFault[]
}

/**
 * Verifies a receipt offline: both signatures, that its times add up, and that it says what you know.
 *
 * @param receipt The receipt.
 * @param signatures The device's signature, and the buyer's or `null`.
 * @param options Chain id and market, and whatever you know of the lease.
 * @returns A verdict with every reason against it.
 * @example
 * const verdict = await verifyReceipt(file.receipt, file, { chainId: file.chainId, market: file.market })
 */
export async function verifyReceipt(
  receipt: Receipt,
  signatures: { readonly device: Hex; readonly buyer: Hex | null },
  options: VerifyReceiptOptions,
): Promise<ReceiptVerdict> {
  const digest = hashReceipt(receipt, options)
  const reasons: ReceiptFault[] = []
  const against = (code: ReceiptFault['code'], message: string) => reasons.push({ code, message })

  const device = options.device ?? receipt.device
  if (!isAddressEqual(device, receipt.device))
    against('DEVICE', `The receipt is of device '${receipt.device}', you hired '${device}'.`)
  const buyer = options.buyer ?? receipt.buyer
  if (!isAddressEqual(buyer, receipt.buyer))
    against('BUYER', `The receipt is for buyer '${receipt.buyer}', expected was '${buyer}'.`)

  const equals = (
    code: 'LEASE' | 'TERMS' | 'JOB' | 'OUTPUTS' | 'LOG',
    what: string,
    seen: Hash,
    wanted?: Hash,
  ) => {
    if (wanted !== undefined && wanted.toLowerCase() !== seen.toLowerCase())
      against(code, `The receipt names ${what} '${seen}', expected was '${wanted}'.`)
  }
  equals('LEASE', 'lease', receipt.lease, options.lease)
  equals('TERMS', 'terms', receipt.terms, options.terms)
  equals('JOB', 'job', receipt.job, options.job)
  equals('OUTPUTS', 'outputs', receipt.outputs, options.outputs)
  equals('LOG', 'log', receipt.log, options.log)

  if (receipt.stoppedAt < receipt.startedAt || receipt.seconds !== receipt.stoppedAt - receipt.startedAt)
    against(
      'TIMES',
      `${receipt.seconds} s are not the time from ${receipt.startedAt} to ${receipt.stoppedAt}.`,
    )

  const signedBy = async (who: 'device' | 'buyer', signature: Hex, wanted: Address) => {
    const recovered = await recoverSigner(digest, signature)
    if (recovered !== null && isAddressEqual(recovered, wanted)) return true
    against(
      who === 'device' ? 'DEVICE_SIGNATURE' : 'BUYER_SIGNATURE',
      `The ${who}'s signature is not by '${wanted}', or the receipt was altered after signing.`,
    )
    return false
  }
  await signedBy('device', signatures.device, device)
  const byBuyer = signatures.buyer !== null && (await signedBy('buyer', signatures.buyer, buyer))
  const valid = reasons.length === 0
  return { valid, acknowledged: valid && byBuyer, digest, reasons }
}
