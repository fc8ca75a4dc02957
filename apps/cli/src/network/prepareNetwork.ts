import { existsSync, readFileSync } from 'node:fs'
import { placeX402Contracts } from '@millrace/pay/x402'
import {
  agentContracts,
  channelsOf,
  completeDeployment,
  confirm,
  contractAddresses,
  creditContracts,
  type Deployment,
  deployLocal,
  deploymentSchema,
  type EarlierDeployment,
  localDefaults,
  mintTestDollars,
  placeAgentRegistries,
} from '@millrace/sdk'
import { type Address, createWalletClient, type Hex, http, isHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { getBalance, getCode } from 'viem/actions'
import { defineChain } from 'viem/utils'
import type { HomePaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { createWallet, listWallets } from '../wallets/wallets.ts'
import { chainUrl, type NetworkState } from './networkState.ts'

/** Name of the buyer's wallet that every local network has. */
export const demoWallet = 'demo'

const oneCoin = 10n ** 18n
const startingCoins = 100n * oneCoin
/** Test dollars in base units: ten thousand. */
const startingDollars = 10_000_000_000n

const encode = (deployment: Deployment) => `${JSON.stringify(deployment, null, 2)}\n`

const earlierSchema = deploymentSchema.partial({ channels: true })

/**
 * Where the contracts will be, before there is a chain: addresses follow from what is deployed and by whom. It lets the
 * gateway and the node be prepared while the chain comes up. A network that was brought up by an earlier version keeps its
 * contracts, and with them its money and leases; what it lacks is deployed beside them.
 */
export function planDeployment(paths: HomePaths, state: NetworkState): Deployment {
  const admin = privateKeyToAccount(readOrMakeKey(paths.network.deployer)).address
  const { assets, till, market, channels, agents, credit, testDollar } = contractAddresses({ admin })
  const kept = keptDeployment(paths, state)
  const deployment: Deployment =
    kept === null
      ? {
          chainId: state.chainId,
          assets,
          till,
          market,
          channels,
          agents,
          credit,
          currencies: [
            { address: testDollar, symbol: 'TUSD', decimals: 6, name: 'Test Dollar', version: '1' },
          ],
          epochLength: localDefaults.epochLength,
        }
      : completed({ ...kept, channels: kept.channels ?? channelsOf(kept.till) })
  // The gateway reads it at its start, when the chain may not be there yet.
  readOrMakeKey(paths.network.relayer)
  writeFileAtomic(paths.network.deployment, encode(deployment))
  return deployment
}

/** With what is deployed beside the contracts of an earlier version. */
const completed = (deployment: Deployment): Deployment => ({
  ...deployment,
  agents: deployment.agents ?? agentContracts(deployment),
  credit: deployment.credit ?? creditContracts(deployment.till),
})

/** The deployment of the last run, if its chain is still there. */
function keptDeployment(paths: HomePaths, state: NetworkState): EarlierDeployment | null {
  const { chain, deployment } = paths.network
  if (!existsSync(chain) || !existsSync(deployment)) return null
  try {
    const kept = earlierSchema.parse(JSON.parse(readFileSync(deployment, 'utf8')))
    return kept.chainId === state.chainId ? kept : null
  } catch {
    // Nothing in it says where the contracts are: they are where this version puts them, or not there.
    return null
  }
}

/**
 * Deploys the contracts to the local chain, and sees to it that the demo wallet has money. What is there already is
 * left as it is.
 */
export async function prepareNetwork(paths: HomePaths, state: NetworkState): Promise<void> {
  const faucet = openFaucet(paths, state)
  await faucet.ensureCoins(faucet.address)
  await faucet.ensureCoins(privateKeyToAccount(readOrMakeKey(paths.network.relayer)).address)
  const kept = keptDeployment(paths, state)
  const ours = contractAddresses({ admin: faucet.address })
  const isEarlier =
    kept !== null &&
    (kept.till !== ours.till ||
      kept.market !== ours.market ||
      (kept.channels ?? ours.channels) !== ours.channels ||
      (kept.agents ?? ours.agents).factory !== ours.agents.factory ||
      (kept.credit ?? ours.credit).desks !== ours.credit.desks)
  // A till that was planned and never deployed, because the last run ended before, is none to keep.
  const deployment =
    isEarlier && (await getCode(faucet.client, { address: kept.till })) !== undefined
      ? await completeDeployment(faucet.client, kept)
      : await deployLocal(faucet.client)
  writeFileAtomic(paths.network.deployment, encode(deployment))
  // Stock clients of x402 know them at these addresses only.
  await placeX402Contracts(faucet.client)
  await placeAgentRegistries(faucet.client)

  const demo =
    listWallets(paths).find(({ name }) => name === demoWallet) ??
    createWallet(paths, { name: demoWallet, protection: { localChain: state.chainId } })
  // Test money comes once; who spent it can ask the faucet.
  if (
    demo.localChain === state.chainId &&
    (await getBalance(faucet.client, { address: demo.address })) === 0n
  ) {
    await faucet.ensureCoins(demo.address)
    await faucet.giveDollars(deployment, demo.address, startingDollars)
  }
}

/** The local network's source of test money. */
export function openFaucet(paths: HomePaths, state: NetworkState) {
  const account = privateKeyToAccount(readOrMakeKey(paths.network.deployer))
  const url = chainUrl(state)
  const client = createWalletClient({
    account,
    transport: http(url),
    pollingInterval: 10,
    cacheTime: 0,
    chain: defineChain({
      id: state.chainId,
      name: 'Millrace local',
      nativeCurrency: { name: 'Coin', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [url] } },
    }),
  })
  return {
    address: account.address,
    client,
    /** Sees to it that an address can pay for transactions. */
    async ensureCoins(address: Address, least = 10n * oneCoin) {
      if ((await getBalance(client, { address })) >= least) return
      await client.request<{ Method: 'anvil_setBalance'; Parameters: [Address, Hex]; ReturnType: null }>({
        method: 'anvil_setBalance',
        params: [address, `0x${(least > startingCoins ? least : startingCoins).toString(16)}`],
      })
    },
    async giveDollars(deployment: Deployment, to: Address, amount: bigint) {
      const [currency] = deployment.currencies
      if (currency === undefined) return
      await confirm(client, await mintTestDollars(client, { currency: currency.address, to, amount }))
    },
  }
}

function readOrMakeKey(path: string): Hex {
  if (existsSync(path)) {
    const key = readFileSync(path, 'utf8').trim()
    if (isHex(key)) return key
  }
  const key = generatePrivateKey()
  writeFileAtomic(path, `${key}\n`)
  return key
}
