import type { Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { MarketDomain } from '../market/domain.ts'
import { type Receipt, receiptDomain, receiptTypes } from './receipt.ts'

/**
 * Signs a receipt: the device to vouch for it, the buyer to acknowledge it.
 *
 * @param signer The device's or the buyer's account.
 * @param receipt The receipt.
 * @param domain Chain id and market of the lease.
 * @returns The signature, 65 bytes.
 * @example
 * const device = await signReceipt(deviceAccount, receipt, { chainId: 31337, market })
 */
export function signReceipt(signer: Signer, receipt: Receipt, domain: MarketDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: receiptDomain(domain),
    types: receiptTypes,
    primaryType: 'Receipt',
    message: receipt,
  })
}
