import { existsSync, readFileSync, statfsSync } from 'node:fs'
import type { Deployment } from '@millrace/sdk'
import type { HomePaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { initNode } from '../node/initNode.ts'
import { nodeFiles } from '../node/nodeFiles.ts'
import { chainUrl, gatewayUrl, type NetworkState } from './networkState.ts'
import { openFaucet } from './prepareNetwork.ts'

/**
 * Sets up this machine as a node of the local network, once, and gives its accounts test coins.
 *
 * @param options.chainReady Resolves when the chain takes transactions; keys are made meanwhile.
 */
export async function prepareNode(
  paths: HomePaths,
  options: {
    readonly state: NetworkState
    readonly deployment: Deployment
    readonly chainReady: Promise<void>
  },
): Promise<void> {
  const { state, deployment, chainReady } = options
  const { config } = nodeFiles(paths.home)
  const network = { rpc: chainUrl(state), gateways: [gatewayUrl(state)] }
  if (existsSync(config)) return pointTo(config, network)

  const { assets, till, market, currencies } = deployment
  const node = await initNode({
    home: paths.home,
    config: {
      network: {
        chainId: state.chainId,
        ...network,
        poll: 0.25,
        contracts: { assets, till, market, currencies: currencies.map(({ address }) => address) },
      },
      offer: { region: 'local' },
      machine: { diskMib: diskToHireOut(paths.home) },
    },
  })
  await chainReady
  const faucet = openFaucet(paths, state)
  for (const address of [node.operator, node.device]) await faucet.ensureCoins(address)
}

/** Keeps an existing node on the local network when its ports have changed; all other settings stay as they are. */
function pointTo(config: string, network: { rpc: string; gateways: readonly string[] }): void {
  const before = readFileSync(config, 'utf8')
  const after = before
    .replace(/^rpc = .*$/m, `rpc = ${JSON.stringify(network.rpc)}`)
    .replace(/^gateways = .*$/m, `gateways = ${JSON.stringify(network.gateways)}`)
  if (after !== before) writeFileAtomic(config, after)
}

/** At most 16 GiB and a quarter of what is free: a runner may reserve all of it for one job. */
function diskToHireOut(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  const freeMiB = Math.floor((bavail * bsize) / (1024 * 1024))
  return Math.max(256, Math.min(16_384, Math.floor(freeMiB / 4)))
}
