import {
  confirm,
  type Deployment,
  registerAsset,
  registeredAsset,
  setUpstream,
  signUpstreamConsent,
  type Upstream,
} from '@millrace/sdk'
import { type Address, zeroAddress, zeroHash } from 'viem'
import { accountAt, type LocalWallet } from './localChain.ts'

/** Who takes part, in the order in which the parties are paid, and the account each has on the local chain. */
export const parties = { machine: 1, model: 2, data: 3, service: 4 } as const
export type Party = keyof typeof parties

/** Parts of the service's revenue after the fee, in basis points; what is left is the service's own. */
export const parts = { machine: 4000, model: 2500, data: 1000 } as const

/**
 * Four parties make one service: each registers what it brings, and the three that bring machine, model and data sign that
 * the service pays them their parts.
 *
 * @returns The asset of each party.
 */
export async function makeAgreement(options: {
  readonly deployment: Deployment
  readonly currency: Address
  readonly walletOf: (index: number) => LocalWallet
  /** Unix seconds until which the consents can be used. */
  readonly deadline: number
}): Promise<Readonly<Record<Party, bigint>>> {
  const { deployment, currency, walletOf, deadline } = options
  const assets = new Map<Party, bigint>()
  for (const [kind, index] of [
    ['machine', parties.machine],
    ['model', parties.model],
    ['dataset', parties.data],
    ['service', parties.service],
  ] as const) {
    const owner = accountAt(index).address
    const terms = {
      deployment,
      owner,
      operator: owner,
      kind,
      device: zeroAddress,
      currency,
      spec: zeroHash,
      uri: '',
    }
    const receipt = await confirm(walletOf(index), await registerAsset(walletOf(index), terms))
    const party = kind === 'dataset' ? 'data' : kind
    assets.set(party, registeredAsset(receipt) ?? 0n)
  }
  const assetOf = (party: Party) => assets.get(party) ?? 0n
  const providers = ['machine', 'model', 'data'] as const
  const service = assetOf('service')
  const upstream: Upstream[] = providers.map((party) => ({ asset: assetOf(party), bps: parts[party] }))
  const agreement = { asset: service, upstream, deadline, nonce: 0n }
  const consents = await Promise.all(
    providers.map((party) => signUpstreamConsent(accountAt(parties[party]), agreement, deployment)),
  )
  const wallet = walletOf(parties.service)
  await confirm(wallet, await setUpstream(wallet, { deployment, asset: service, upstream, consents }))
  return { machine: assetOf('machine'), model: assetOf('model'), data: assetOf('data'), service }
}
