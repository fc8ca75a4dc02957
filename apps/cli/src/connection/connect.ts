import { readFileSync } from 'node:fs'
import {
  type Currency,
  type Deployment,
  deploymentOf,
  deploymentSchema,
  parse,
  type ReadClient,
  readCurrency,
  readDeployment,
  type WriteClient,
} from '@millrace/sdk'
import { type Address, createClient, createWalletClient, http, isAddressEqual } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { getChainId } from 'viem/actions'
import { defineChain } from 'viem/utils'
import type { GlobalFlags } from '../commands/flags.ts'
import { readCliConfig } from '../home/cliConfig.ts'
import { type HomePaths, homePaths } from '../home/homePaths.ts'
import { NetworkDownError } from '../network/errors.ts'
import { chainUrl, gatewayUrl, readNetworkState } from '../network/networkState.ts'
import { NetworkUnknownError, RpcDownError, WrongChainError } from './errors.ts'

/** A network that a command talks to. */
export interface Connection {
  readonly paths: HomePaths
  /** Name in the settings; `local` for the one that `millrace up` starts. */
  readonly network: string
  /** Whether it is the local network of this home. */
  readonly isLocal: boolean
  readonly rpc: string
  readonly gateways: readonly string[]
  readonly deployment: Deployment
  /** What the network pays in where nothing else says so. */
  readonly currency: Currency
  readonly client: ReadClient
  /** A client that signs as `account`. */
  signAs(account: PrivateKeyAccount): WriteClient
  /** The currency of this address. */
  currencyOf(address: Address): Promise<Currency>
}

/** Where a network is, before anything was asked. */
interface Place {
  readonly network: string
  readonly isLocal: boolean
  readonly chainId: number
  readonly rpc: string
  readonly gateways: readonly string[]
  readonly deployment: (client: ReadClient) => Promise<Deployment>
}

/**
 * Connects to the network that the flags or the settings name.
 *
 * @throws NetworkDownError, NetworkUnknownError, WrongChainError, RpcDownError, CliConfigInvalidError
 */
export async function connect(flags: GlobalFlags, home?: string): Promise<Connection> {
  const paths = homePaths(home)
  const place = findPlace(flags, paths)
  const rpc = flags.rpcUrl ?? place.rpc
  const chain = defineChain({
    id: place.chainId,
    name: place.network,
    nativeCurrency: { name: 'Coin', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  })
  // A local chain answers in a millisecond; others are asked politely.
  const options = {
    chain,
    transport: http(rpc, { timeout: 20_000, retryCount: 2 }),
    pollingInterval: place.isLocal ? 20 : 1000,
    cacheTime: 0,
  }
  const client = createClient(options)
  let chainId: number
  try {
    chainId = await getChainId(client)
  } catch (cause) {
    if (place.isLocal) throw new NetworkDownError({ home: paths.home })
    throw new RpcDownError({ rpc, cause })
  }
  if (chainId !== place.chainId) throw new WrongChainError({ rpc, chainId, wanted: place.chainId })
  const deployment = await place.deployment(client)
  const currency = deployment.currencies[0] ?? {
    address: '0x0000000000000000000000000000000000000000' as const,
    symbol: '?',
    decimals: 0,
    name: '',
    version: '1',
  }
  return {
    paths,
    network: place.network,
    isLocal: place.isLocal,
    rpc,
    gateways: flags.gateway ?? place.gateways,
    deployment,
    currency,
    client,
    signAs: (account) => createWalletClient({ ...options, account }),
    async currencyOf(address) {
      const known = deployment.currencies.find((item) => isAddressEqual(item.address, address))
      return known ?? readCurrency(client, address)
    },
  }
}

function findPlace(flags: GlobalFlags, paths: HomePaths): Place {
  const config = readCliConfig(paths)
  const name = flags.network ?? config.network
  if (name === 'local') return localPlace(paths)
  const network = config.networks[name]
  if (network === undefined)
    throw new NetworkUnknownError({
      network: name,
      known: ['local', ...Object.keys(config.networks)],
      path: paths.config,
    })
  const { chainId, rpc, gateways, contracts } = network
  return {
    network: name,
    isLocal: false,
    chainId,
    rpc,
    gateways,
    deployment: async (client) =>
      contracts === undefined
        ? deploymentOf(chainId)
        : readDeployment(client, {
            market: contracts.market,
            currencies: [contracts.currency],
            ...(contracts.channels === undefined ? {} : { channels: contracts.channels }),
            ...(contracts.agents === undefined ? {} : { agents: contracts.agents }),
            ...(contracts.credit === undefined ? {} : { credit: contracts.credit }),
          }),
  }
}

function localPlace(paths: HomePaths): Place {
  const state = readNetworkState(paths.network)
  if (state === null || state.phase === 'stopped') throw new NetworkDownError({ home: paths.home })
  return {
    network: 'local',
    isLocal: true,
    chainId: state.chainId,
    rpc: chainUrl(state),
    gateways: [gatewayUrl(state)],
    deployment: async () =>
      parse(deploymentSchema, JSON.parse(readFileSync(paths.network.deployment, 'utf8')), 'deployment'),
  }
}
