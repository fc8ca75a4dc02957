import type { Address } from 'viem'
import type { TypedDomain } from '../curve/typedData.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentRequirements } from '../wire/x402.ts'

const address = /^0x[0-9a-fA-F]{40}$/

/** Domain of the token that is asked for; null where `extra` does not name it, or chain or token are no EVM ones. */
export function tokenDomain(requirements: PaymentRequirements): TypedDomain | null {
  const chainId = chainIdOf(requirements.network)
  const { name, version } = requirements.extra ?? {}
  if (chainId === null || !address.test(requirements.asset)) return null
  if (typeof name !== 'string' || name === '' || typeof version !== 'string' || version === '') return null
  return {
    name,
    version,
    chainId,
    verifyingContract: requirements.asset.toLowerCase() as Address,
  }
}
