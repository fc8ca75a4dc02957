import { type Address, encodeDeployData, getContractAddress, type Hex, zeroHash } from 'viem'
import { agentAccountsAbi, agentAccountsBytecode } from '../generated/agentAccounts.ts'
import { agentDelegateAbi, agentDelegateBytecode } from '../generated/agentDelegate.ts'
import { agentModuleAbi, agentModuleBytecode } from '../generated/agentModule.ts'
import { agentPoliciesAbi, agentPoliciesBytecode } from '../generated/agentPolicies.ts'
import { appraisalsAbi, appraisalsBytecode } from '../generated/appraisals.ts'
import { auctionAbi, auctionBytecode } from '../generated/auction.ts'
import { channelsAbi, channelsBytecode } from '../generated/channels.ts'
import { desksAbi, desksBytecode } from '../generated/desks.ts'
import { marketAbi, marketBytecode } from '../generated/market.ts'
import { ranksAbi, ranksBytecode } from '../generated/ranks.ts'
import { testDollarAbi, testDollarBytecode } from '../generated/testDollar.ts'
import { tillAbi, tillBytecode } from '../generated/till.ts'
import { unitsAbi, unitsBytecode } from '../generated/units.ts'
import { vaultsAbi, vaultsBytecode } from '../generated/vaults.ts'
import type { AgentContracts, CreditContracts } from './deployment.ts'

/** The proxy that deploys by CREATE2 on most chains, Anvil included. */
export const create2Proxy: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

/** What the contracts are made with; the addresses follow from it. */
export interface DeployOptions {
  /** Sets the fee within its cap, and receives it. */
  readonly admin: Address
  /** Fee in basis points. Default 100. */
  readonly feeBps?: number
  /** Length of the till's epoch in seconds. Default 5. */
  readonly epochLength?: number
  /** Tells deployments with the same options apart. Default zero. */
  readonly salt?: Hex
}

/** Addresses of one deployment. */
export interface ContractAddresses {
  readonly assets: Address
  readonly till: Address
  readonly market: Address
  readonly channels: Address
  readonly agents: AgentContracts
  readonly credit: CreditContracts
  readonly testDollar: Address
}

/** Defaults of a local network. */
export const localDefaults = { feeBps: 100, epochLength: 5, salt: zeroHash } as const

/** One contract to deploy: what goes to the proxy, and where the contract will be. */
export interface Creation {
  readonly name: string
  readonly address: Address
  readonly initCode: Hex
}

/** Everything that a deployment creates, in order. The till creates the register of assets itself. */
export function creations(options: DeployOptions): readonly Creation[] {
  const { admin, feeBps, epochLength, salt } = { ...localDefaults, ...options }
  const till = creation(
    'Till',
    encodeDeployData({ abi: tillAbi, bytecode: tillBytecode, args: [admin, feeBps, epochLength] }),
    salt,
  )
  const market = creation(
    'Market',
    encodeDeployData({ abi: marketAbi, bytecode: marketBytecode, args: [till.address] }),
    salt,
  )
  const channels = channelsCreation(till.address, salt)
  const testDollar = creation(
    'TestDollar',
    encodeDeployData({ abi: testDollarAbi, bytecode: testDollarBytecode }),
    salt,
  )
  const agents = agentCreations(
    { till: till.address, market: market.address, channels: channels.address },
    salt,
  )
  return [till, market, channels, testDollar, ...agents, ...creditCreations(till.address, salt)]
}

const creation = (name: string, initCode: Hex, salt: Hex): Creation => ({
  name,
  initCode,
  address: getContractAddress({ opcode: 'CREATE2', from: create2Proxy, salt, bytecode: initCode }),
})

/** The channels of a till. */
export const channelsCreation = (till: Address, salt: Hex): Creation =>
  creation('Channels', encodeDeployData({ abi: channelsAbi, bytecode: channelsBytecode, args: [till] }), salt)

/** What the contracts of agents' wallets are made for. A deployment is one. */
export interface AgentContractsDomain {
  readonly till: Address
  readonly market: Address
  readonly channels: Address
}

/** The contracts of agents' wallets, in the order in which they need each other. */
export function agentCreations(domain: AgentContractsDomain, salt: Hex): readonly Creation[] {
  const shared = [domain.till, domain.channels, domain.market] as const
  const policies = creation(
    'Policies',
    encodeDeployData({ abi: agentPoliciesAbi, bytecode: agentPoliciesBytecode, args: shared }),
    salt,
  )
  const args = [...shared, policies.address] as const
  return [
    policies,
    creation(
      'AgentAccounts',
      encodeDeployData({ abi: agentAccountsAbi, bytecode: agentAccountsBytecode, args }),
      salt,
    ),
    creation(
      'AgentModule',
      encodeDeployData({ abi: agentModuleAbi, bytecode: agentModuleBytecode, args }),
      salt,
    ),
    creation(
      'AgentDelegate',
      encodeDeployData({ abi: agentDelegateAbi, bytecode: agentDelegateBytecode, args }),
      salt,
    ),
  ]
}

/**
 * Computes where the contracts of agents' wallets are, or will be, that are deployed as `deployLocal` does; nothing on chain
 * names them. Needs no chain, but all their creation code: a page takes `deployment.agents`.
 *
 * @param domain Till, market and channels that they are for; a deployment will do.
 * @param salt Salt of the deployment. Default zero.
 * @returns The addresses of the policies, the factory, the ERC-7579 module and the EIP-7702 delegate.
 * @example
 * const { factory } = agentContracts(deployment)
 */
export function agentContracts(domain: AgentContractsDomain, salt: Hex = localDefaults.salt): AgentContracts {
  const [policies, factory, module, delegate] = agentCreations(domain, salt).map(
    ({ address }) => address,
  ) as [Address, Address, Address, Address]
  return { policies, factory, module, delegate }
}

/** The contracts that all facilities of a till share, in the order in which they need each other. */
export function creditCreations(till: Address, salt: Hex): readonly Creation[] {
  const ranks = creation(
    'Ranks',
    encodeDeployData({ abi: ranksAbi, bytecode: ranksBytecode, args: [till] }),
    salt,
  )
  const units = creation(
    'Units',
    encodeDeployData({ abi: unitsAbi, bytecode: unitsBytecode, args: [till, ranks.address] }),
    salt,
  )
  const appraisals = creation(
    'Appraisals',
    encodeDeployData({ abi: appraisalsAbi, bytecode: appraisalsBytecode, args: [units.address] }),
    salt,
  )
  return [
    ranks,
    units,
    appraisals,
    creation('Auction', encodeDeployData({ abi: auctionAbi, bytecode: auctionBytecode, args: [till] }), salt),
    creation(
      'Desks',
      encodeDeployData({
        abi: desksAbi,
        bytecode: desksBytecode,
        args: [till, appraisals.address, ranks.address],
      }),
      salt,
    ),
    creation('Vaults', encodeDeployData({ abi: vaultsAbi, bytecode: vaultsBytecode, args: [till] }), salt),
  ]
}

/**
 * Computes where the contracts of credit are, or will be, that are deployed as `deployLocal` does; nothing on chain names them.
 * Needs no chain, but all their creation code: a page takes `deployment.credit`.
 *
 * @param till The till.
 * @param salt The deployment's salt. Default zero.
 * @returns The addresses of the units, the appraisals, the auction, the ranks, and the makers of desks and vaults.
 * @example
 * const { appraisals } = creditContracts(deployment.till)
 */
export function creditContracts(till: Address, salt: Hex = localDefaults.salt): CreditContracts {
  const [ranks, units, appraisals, auction, desks, vaults] = creditCreations(till, salt).map(
    ({ address }) => address,
  ) as [Address, Address, Address, Address, Address, Address]
  return { units, appraisals, auction, ranks, desks, vaults }
}

/**
 * Computes where the channels of a till are, or will be, that are deployed as `deployLocal` does; nothing on chain names them.
 *
 * @param till The till.
 * @param salt The deployment's salt. Default zero.
 * @returns The address.
 * @example
 * const channels = channelsOf(deployment.till)
 */
export function channelsOf(till: Address, salt: Hex = localDefaults.salt): Address {
  return channelsCreation(till, salt).address
}

/**
 * Computes where the contracts are or will be. Needs no chain.
 *
 * @param options Admin, fee in basis points, epoch in seconds, salt.
 * @returns The addresses that `deployLocal` deploys to with the same options, on every chain.
 * @see https://eips.ethereum.org/EIPS/eip-1014
 * @example
 * const { market } = contractAddresses({ admin })
 */
export function contractAddresses(options: DeployOptions): ContractAddresses {
  const [till, market, channels, testDollar] = creations(options).map(({ address }) => address) as [
    Address,
    Address,
    Address,
    Address,
  ]
  // The first thing the till creates, at nonce 1 as every contract's first.
  const assets = getContractAddress({ from: till, nonce: 1n })
  const agents = agentContracts({ till, market, channels }, options.salt)
  const credit = creditContracts(till, options.salt)
  return { assets, till, market, channels, agents, credit, testDollar }
}
