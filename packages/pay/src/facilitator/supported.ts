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

const contractsOf = {
  upto: [x402Contracts.permit2, x402Contracts.uptoPermit2Proxy],
  'batch-settlement': [x402Contracts.batchSettlement, x402Contracts.erc3009DepositCollector],
} as const

/**
 * Makes the answer of what is settled on these chains, in x402 v2 and, where v1 has a name for the chain, in v1. A chain is
 * asked for the contracts of `upto` and `batch-settlement` until it has them; while it does not answer, they are left out.
 */
export function createSupported(chains: readonly FacilitatorChain[]): () => Promise<SupportedResponse> {
  const found = new Set<string>()

  async function has(
    { network, client }: FacilitatorChain,
    scheme: 'upto' | 'batch-settlement',
  ): Promise<boolean> {
    const name = `${network} ${scheme}`
    if (found.has(name)) return true
    const codes = await Promise.all(contractsOf[scheme].map((address) => getCode(client, { address }))).catch(
      () => [],
    )
    const there = codes.length > 0 && codes.every((code) => code !== undefined && code !== '0x')
    if (there) found.add(name)
    return there
  }

  return async () => {
    const [upto, batch] = await Promise.all([
      Promise.all(chains.map((chain) => has(chain, 'upto'))),
      Promise.all(chains.map((chain) => has(chain, 'batch-settlement'))),
    ])
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
        // Nobody's claims or refunds are agreed to here: receivers sign them.
        ...(batch[index] === true ? [{ x402Version: 2 as const, scheme: 'batch-settlement', network }] : []),
      ]
    })
    const relayers = [...new Set(chains.map(({ relayer }) => relayer.address))]
    const extensions = upto.includes(true) ? [approvalExtension] : []
    return { kinds, extensions, signers: { 'eip155:*': relayers } }
  }
}
