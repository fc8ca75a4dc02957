import type { Address } from 'viem'
import { v1OfNetwork } from '../wire/networks.ts'
import type { FacilitatorChain } from './relayer.ts'

/** Answer to `/supported`. */
export interface SupportedResponse {
  readonly kinds: readonly {
    readonly x402Version: 1 | 2
    readonly scheme: string
    readonly network: string
  }[]
  readonly extensions: readonly string[]
  readonly signers: Readonly<Record<string, readonly Address[]>>
}

/** What is settled on these chains, in x402 v2 and, where v1 has a name for the chain, in v1. */
export function supportedOn(chains: readonly FacilitatorChain[]): SupportedResponse {
  const kinds = chains.flatMap(({ network }) => {
    const v1 = v1OfNetwork(network)
    return [
      { x402Version: 2 as const, scheme: 'exact', network },
      ...(v1 === null ? [] : [{ x402Version: 1 as const, scheme: 'exact', network: v1 }]),
    ]
  })
  const relayers = [...new Set(chains.map(({ relayer }) => relayer.address))]
  return { kinds, extensions: [], signers: { 'eip155:*': relayers } }
}
