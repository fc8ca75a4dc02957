import type { Address } from 'viem'
import { getCode } from 'viem/actions'
import { approvalExtension } from '../upto/permit.ts'
import { v1OfNetwork } from '../wire/networks.ts'
import { x402Contracts } from '../x402/contracts.ts'
import type { FacilitatorChain } from './relayer.ts'

/** Answer to `/supported`. */
export interface SupportedResponse {
  readonly kinds: readonly {
    readonly x402Version: 1 | 2
    readonly scheme: string
    readonly network: string
    readonly extra?: Readonly<Record<string, unknown>> | undefined
  }[]
  readonly extensions: readonly string[]
  readonly signers: Readonly<Record<string, readonly Address[]>>
}

/**
 * Makes the answer of what is settled on these chains, in x402 v2 and, where v1 has a name for the chain, in v1. A chain is
 * asked for the contracts of `upto` until it has them; while it does not answer, `upto` is left out.
 */
export function createSupported(chains: readonly FacilitatorChain[]): () => Promise<SupportedResponse> {
  const withUpto = new Set<string>()

  async function takesUpto({ network, client }: FacilitatorChain): Promise<boolean> {
    if (withUpto.has(network)) return true
    const codes = await Promise.all(
      [x402Contracts.permit2, x402Contracts.uptoPermit2Proxy].map((address) => getCode(client, { address })),
    ).catch(() => [])
    const there = codes.length > 0 && codes.every((code) => code !== undefined && code !== '0x')
    if (there) withUpto.add(network)
    return there
  }

  return async () => {
    const upto = await Promise.all(chains.map(takesUpto))
    const kinds = chains.flatMap(({ network, relayer }, index) => {
      const v1 = v1OfNetwork(network)
      return [
        { x402Version: 2 as const, scheme: 'exact', network },
        ...(v1 === null ? [] : [{ x402Version: 1 as const, scheme: 'exact', network: v1 }]),
        ...(upto[index] === true
          ? [
              {
                x402Version: 2 as const,
                scheme: 'upto',
                network,
                extra: { facilitatorAddress: relayer.address },
              },
            ]
          : []),
      ]
    })
    const relayers = [...new Set(chains.map(({ relayer }) => relayer.address))]
    const extensions = upto.includes(true) ? [approvalExtension] : []
    return { kinds, extensions, signers: { 'eip155:*': relayers } }
  }
}
