import { type Hash, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { Appraisal, SignedAppraisal } from './appraisal.ts'
import { type AppraisalsDomain, appraisalsDomain, appraisalTypes } from './domain.ts'

/**
 * Hashes an appraisal to what its appraiser signs. Needs no chain.
 *
 * @param appraisal The appraisal.
 * @param domain Chain id and address of the appraisals.
 * @returns 32 bytes in hex, equal to `IAppraisals.hashAppraisal`.
 * @example
 * const digest = hashAppraisal(appraisal, { chainId, appraisals })
 */
export function hashAppraisal(appraisal: Appraisal, domain: AppraisalsDomain): Hash {
  return hashTypedData({
    domain: appraisalsDomain(domain),
    types: appraisalTypes,
    primaryType: 'Appraisal',
    message: appraisal,
  })
}

/**
 * Signs what an asset is worth, as an appraiser of a panel.
 *
 * @param signer The appraiser.
 * @param appraisal Panel, asset, value in base units, times and curve.
 * @param domain Chain id and address of the appraisals.
 * @returns The appraisal with its signature, for `appraiseAsset`.
 * @example
 * const signed = await signAppraisal(owner, appraisal, { chainId, appraisals })
 */
export async function signAppraisal(
  signer: Signer,
  appraisal: Appraisal,
  domain: AppraisalsDomain,
): Promise<SignedAppraisal> {
  const signature = await signer.signTypedData({
    domain: appraisalsDomain(domain),
    types: appraisalTypes,
    primaryType: 'Appraisal',
    message: appraisal,
  })
  return { appraisal, appraiser: signer.address, signature }
}
