import { deploymentOf } from '@millrace/sdk'
import type { Address } from 'viem'
import type { Contracts } from '../chain/chain.ts'
import type { NodeConfig } from '../config/nodeConfig.ts'
import { CurrencyUnknownError } from '../register/errors.ts'

/** Where the contracts are, and in which currency this machine is paid. Throws the SDK's `DeploymentUnknownError`. */
export function resolveContracts(config: NodeConfig): { contracts: Contracts; currency: Address } {
  const { chainId, contracts: given } = config.network
  const known = given === undefined ? deploymentOf(chainId) : null
  const contracts = (given ?? known) as Contracts
  const currency = config.offer.currency ?? given?.currencies?.[0] ?? known?.currencies[0]?.address
  if (currency === undefined) throw new CurrencyUnknownError({ chainId })
  return {
    contracts: { assets: contracts.assets, till: contracts.till, market: contracts.market },
    currency: currency as Address,
  }
}
