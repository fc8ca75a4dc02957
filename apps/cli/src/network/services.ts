import type { HomePaths } from '../home/homePaths.ts'
import { commandNode } from '../node/nodeControl.ts'
import { entryCommand } from '../processes/entryCommand.ts'
import { chainUrl, gatewayUrl, type NetworkState } from './networkState.ts'
import { answers } from './probe.ts'
import type { ServiceName, ServiceSpec } from './superviseService.ts'

/** How each part of the local network is started and known to be well. */
export function serviceSpec(name: ServiceName, paths: HomePaths, state: NetworkState): ServiceSpec {
  const files = { name, pidFile: paths.network.pid(name), logFile: paths.network.log(name) }
  const env = { MILLRACE_HOME: paths.home }
  switch (name) {
    case 'chain': {
      const { command, args } = entryCommand('@millrace/cli', 'network/chain/chain.process')
      return {
        ...files,
        command,
        args: [
          ...args,
          ...['--folder', paths.network.chain, '--chain-id', String(state.chainId)],
          ...['--port', String(state.chainPort)],
        ],
        env,
        isHealthy: () => answers(`${chainUrl(state)}/health`),
        graceMs: 15_000,
      }
    }
    case 'gateway': {
      const { command, args } = entryCommand('@millrace/gateway', 'main')
      return {
        ...files,
        command,
        args: [
          ...args,
          ...['--host', '127.0.0.1', '--port', String(state.gatewayPort)],
          ...['--rpc', chainUrl(state), '--data-dir', paths.network.gateway],
          ...['--x402-relayer', paths.network.relayer],
          ...['--deployment', paths.network.deployment, '--poll-ms', '100', '--rate-per-second', '1000'],
        ],
        // Settings that are meant for other gateways of this machine do not reach the local one.
        env: { ...env, DATABASE_URL: '', MILLRACE_PEERS: '', MILLRACE_START_BLOCK: '' },
        isHealthy: () => answers(`${gatewayUrl(state)}/v1/health`),
        graceMs: 10_000,
      }
    }
    case 'node': {
      const { command, args } = entryCommand('@millrace/node', 'main')
      return {
        ...files,
        command,
        args: [...args, '--home', paths.home],
        env,
        isHealthy: () =>
          commandNode(paths.home, 'status', 1000).then(
            () => true,
            () => false,
          ),
        graceMs: 15_000,
      }
    }
  }
}
