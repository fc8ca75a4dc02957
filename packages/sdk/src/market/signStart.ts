import type { Hash, Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type MarketDomain, marketDomain } from './domain.ts'

/**
 * Signs the start of a lease with the device's key, for anyone to send with `startLeaseFor`.
 *
 * @param signer The device's account.
 * @param lease Id of the lease.
 * @param domain Chain id and market of the lease.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signStart(device, lease, deployment)
 */
export function signStart(signer: Signer, lease: Hash, domain: MarketDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: marketDomain(domain),
    types: { Start: [{ name: 'lease', type: 'bytes32' }] },
    primaryType: 'Start',
    message: { lease },
  })
}
