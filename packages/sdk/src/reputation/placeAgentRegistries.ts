import type { Account, Chain, Client, Hex, Transport } from 'viem'
import { call, getCode } from 'viem/actions'
import { identityRegistryBytecode } from '../generated/identityRegistry.ts'
import { reputationRegistryBytecode } from '../generated/reputationRegistry.ts'
import { agentRegistries } from './registries.ts'

/**
 * Puts stand-ins for the registries of ERC-8004 to their addresses on a local chain, which has none of them. What is there already is left
 * alone.
 *
 * @param client A viem client of Anvil.
 * @throws What the chain answers.
 * @example
 * await placeAgentRegistries(client)
 */
export async function placeAgentRegistries(
  client: Client<Transport, Chain | undefined, Account | undefined>,
): Promise<void> {
  const { identity, reputation } = agentRegistries.mainnets
  for (const [address, code] of [
    [identity, identityRegistryBytecode],
    [reputation, reputationRegistryBytecode],
  ] as const) {
    const there = await getCode(client, { address })
    if (there !== undefined && there !== '0x') continue
    // What a creation returns is the code; of what a constructor writes, neither needs anything but a name to show.
    const { data = '0x' } = await call(client, { data: code })
    await client.request<AnvilSetCode>({ method: 'anvil_setCode', params: [address, data] })
  }
}

interface AnvilSetCode {
  readonly Method: 'anvil_setCode'
  readonly Parameters: readonly [address: Hex, code: Hex]
  readonly ReturnType: null
}
