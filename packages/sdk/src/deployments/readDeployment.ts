import { type Address, erc20Abi } from 'viem'
import { getChainId, readContract } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { marketAbi } from '../generated/market.ts'
import { tillAbi } from '../generated/till.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { channelsOf } from './contractAddresses.ts'
import type { AgentContracts, CreditContracts, Currency, Deployment } from './deployment.ts'

const versionAbi = [
  {
    type: 'function',
    name: 'version',
    inputs: [],
    outputs: [{ name: '', type: 'string' }],
    stateMutability: 'view',
  },
] as const

/**
 * Reads a deployment from the chain, starting at its market.
 *
 * @param client A viem client of the chain.
 * @param options The market's address, the currencies that are used there, and what nothing on chain names: the
 * address of the channels (default: where the CREATE2 proxy puts them for this till, with a salt of zero), and those of the
 * contracts of agents' wallets and of credit (default: none; `agentContracts` and `creditContracts` compute them).
 * @returns The deployment.
 * @throws ChainUnreachableError, or viem's error if there is no market at the address.
 * @example
 * const deployment = await readDeployment(client, { market, currencies: [usdc] })
 */
export async function readDeployment(
  client: ReadClient,
  options: {
    readonly market: Address
    readonly channels?: Address
    readonly agents?: AgentContracts
    readonly credit?: CreditContracts
    readonly currencies: readonly Address[]
  },
): Promise<Deployment> {
  const { market } = options
  const till = await read(client, { address: market, abi: marketAbi, functionName: 'till' })
  const [chainId, assets, epochLength, currencies] = await Promise.all([
    getChainId(client).catch((error) => {
      throw decodeRevert(error)
    }),
    read(client, { address: till, abi: tillAbi, functionName: 'assets' }),
    read(client, { address: till, abi: tillAbi, functionName: 'epochLength' }),
    Promise.all(options.currencies.map((address) => readCurrency(client, address))),
  ])
  const channels = options.channels ?? channelsOf(till)
  const agents = options.agents === undefined ? {} : { agents: options.agents }
  const credit = options.credit === undefined ? {} : { credit: options.credit }
  return { chainId, assets, till, market, channels, ...agents, ...credit, currencies, epochLength }
}

/**
 * Reads what a wallet must know of an ERC-20. A token without a `version` has version 1, as ERC-2612 tokens do.
 *
 * @param client A viem client of the chain.
 * @param address The token.
 * @returns Symbol, decimals, and the name and version of its EIP-712 domain.
 * @throws ChainUnreachableError, or viem's error if there is no token at the address.
 * @example
 * const currency = await readCurrency(client, usdc)
 */
export async function readCurrency(client: ReadClient, address: Address): Promise<Currency> {
  const [symbol, decimals, name, version] = await Promise.all([
    read(client, { address, abi: erc20Abi, functionName: 'symbol' }),
    read(client, { address, abi: erc20Abi, functionName: 'decimals' }),
    read(client, { address, abi: erc20Abi, functionName: 'name' }),
    readContract(client, { address, abi: versionAbi, functionName: 'version' }).catch(() => '1'),
  ])
  return { address, symbol, decimals, name, version }
}
