import type { Address } from 'viem'
import { getCode } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import type { ReadClient } from '../transactions/write.ts'

/** Registries of ERC-8004 on a chain. */
export interface AgentRegistries {
  /** Who an agent is: an ERC-721 token. */
  readonly identity: Address
  /** What its clients say. */
  readonly reputation: Address
}

/**
 * Where the registries stand on chains that have them: the same addresses on each, one pair for chains with real money and one for test
 * chains. They can be upgraded by their authors.
 *
 * @see https://github.com/erc-8004/erc-8004-contracts
 */
export const agentRegistries = {
  mainnets: {
    identity: '0x8004A169FB4a3325136EB29fA0ceB6D2e539a432',
    reputation: '0x8004BAa17C55a88189AE136b182e5fdA19dE9b63',
  },
  testnets: {
    identity: '0x8004A818BFB912233c491871b3d84c89A494BD9e',
    reputation: '0x8004B663056A597Dffe9eCcC1965A193B7388713',
  },
} as const satisfies Readonly<Record<string, AgentRegistries>>

/**
 * Finds the registries of ERC-8004 on a chain.
 *
 * @param client A viem client of the chain.
 * @returns Both, or `null` on a chain that has none at their addresses.
 * @throws ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-8004
 * @example
 * const registries = await findAgentRegistries(client)
 */
export async function findAgentRegistries(client: ReadClient): Promise<AgentRegistries | null> {
  for (const registries of [agentRegistries.mainnets, agentRegistries.testnets]) {
    const { identity, reputation } = registries
    const codes = await Promise.all(
      [identity, reputation].map((address) => getCode(client, { address })),
    ).catch((error: unknown) => {
      throw decodeRevert(error)
    })
    if (codes.every((code) => code !== undefined && code !== '0x')) return registries
  }
  return null
}
