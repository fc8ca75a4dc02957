import { existsSync, readFileSync } from 'node:fs'
import type { Deployment } from '@millrace/sdk'
import type { HomePaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { initNode } from '../node/initNode.ts'
import { nodeFiles } from '../node/nodeFiles.ts'
import { chainUrl, gatewayUrl, type NetworkState } from './networkState.ts'
import { openFaucet } from './prepareNetwork.ts'

/** Sets up this machine as a node of the local network, once, and gives its accounts test coins. */
export async function prepareNode(
  paths: HomePaths,
  state: NetworkState,
  deployment: Deployment,
): Promise<void> {
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
    },
  })
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
