import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { gatewayClient } from '@millrace/sdk'
import type { HomePaths } from '../home/homePaths.ts'
import { homePaths } from '../home/homePaths.ts'
import { commandNode } from '../node/nodeControl.ts'
import { endProcess } from '../processes/endProcess.ts'
import { dropPidFile, readPidFile, takePidFile } from '../processes/pidFile.ts'
import { identityOf } from '../processes/processIdentity.ts'
import { freePort, preferPort } from './choosePort.ts'
import { NetworkBusyError, PortTakenError } from './errors.ts'
import {
  chainUrl,
  gatewayUrl,
  type NetworkState,
  readNetworkState,
  writeNetworkState,
} from './networkState.ts'
import { planDeployment, prepareNetwork } from './prepareNetwork.ts'
import { prepareNode } from './prepareNode.ts'
import { serviceSpec } from './services.ts'
import { type Service, type ServiceEvent, type ServiceName, superviseService } from './superviseService.ts'

export interface UpOptions {
  /** Home folder; default MILLRACE_HOME, else `~/.millrace`. */
  readonly home?: string
  /** EIP-155 chain id of a new network. Default 31337. */
  readonly chainId?: number
  /** Port of the chain's RPC; 0 for any free one. Default: as before, else 8545 if free, else any. */
  readonly chainPort?: number
  /** Port of the gateway; 0 for any free one. Default: as before, else 8787 if free, else any. */
  readonly gatewayPort?: number
  /** What to start beside the chain. Default: gateway and node. */
  readonly parts?: readonly ('gateway' | 'node')[]
  /** Start a new chain: the old one, its test money and its leases are deleted. */
  readonly reset?: boolean
  readonly onEvent?: (event: ServiceEvent) => void
}

/** A local network that is up. */
export interface LocalNetwork {
  readonly chainId: number
  readonly rpc: string
  readonly gateway: string
  readonly home: string
  /** Milliseconds from the call to ready. */
  readonly readyMs: number
  /** Stops everything cleanly; what was acknowledged is kept. */
  close(): Promise<void>
}

/**
 * Brings up the local network: a chain whose state is kept, the contracts, test money, a gateway, and a node for this
 * machine, each a process of its own that is restarted when it ends. What an earlier, killed run left behind is ended
 * first; what it kept is taken up again.
 *
 * @throws NetworkBusyError, PortTakenError, ServiceFailedError, ChainIdMismatchError
 * @example
 * const network = await up({ home })
 * await network.close()
 */
export async function up(options: UpOptions = {}): Promise<LocalNetwork> {
  const started = performance.now()
  const paths = homePaths(options.home)
  const { network } = paths
  mkdirSync(network.root, { recursive: true, mode: 0o700 })
  const holder = takePidFile(network.supervisor)
  if (holder !== null) throw new NetworkBusyError({ pid: holder.pid })

  const onEvent = options.onEvent ?? (() => {})
  const running = new Map<ServiceName, Service>()
  const stopAll = async () => {
    // The node first, while it can still settle; the chain last, because all others write to it.
    for (const name of ['node', 'gateway', 'chain'] as const) await running.get(name)?.stop()
  }
  let state: NetworkState | null = null
  try {
    await endOrphans(paths)
    if (options.reset === true) resetNetwork(paths)
    state = await chooseState(paths, options)
    writeNetworkState(network, state)
    const current = state
    const start = (name: ServiceName) => {
      const service = superviseService(serviceSpec(name, paths, current), onEvent)
      running.set(name, service)
      return service.ready
    }
    const deployment = planDeployment(paths, current)
    const chainReady = start('chain').then(() => prepareNetwork(paths, current))
    const wanted = [chainReady]
    if (current.services.includes('gateway')) wanted.push(start('gateway'))
    if (current.services.includes('node')) {
      const prepared = prepareNode(paths, { state: current, deployment, chainReady })
      wanted.push(Promise.all([chainReady, prepared]).then(() => start('node')))
    }
    await Promise.all(wanted)
    if (current.services.includes('node') && current.services.includes('gateway'))
      await firstOffer(gatewayUrl(current), paths.home)
    const readyMs = Math.round(performance.now() - started)
    writeNetworkState(network, { ...state, phase: 'ready', readyMs })
    return {
      chainId: state.chainId,
      rpc: chainUrl(state),
      gateway: gatewayUrl(state),
      home: paths.home,
      readyMs,
      async close() {
        await stopAll()
        writeNetworkState(network, { ...current, phase: 'stopped' })
        dropPidFile(network.supervisor)
      },
    }
  } catch (error) {
    await stopAll()
    if (state !== null)
      writeNetworkState(network, {
        ...state,
        phase: 'failed',
        error: error instanceof Error ? error.message : String(error),
      })
    dropPidFile(network.supervisor)
    throw error
  }
}

/** Milliseconds that `up` waits for this machine's first offer; a machine that cannot run jobs makes none. */
const offerPatience = 20_000

/** Waits until there is something to hire, so that a job can be run as soon as `up` returns. */
async function firstOffer(gateway: string, home: string): Promise<void> {
  const until = Date.now() + offerPatience
  while (Date.now() < until) {
    const [found, node] = await Promise.all([
      gatewayClient(gateway, { retries: 0 })
        .searchOffers({ limit: 1 })
        .catch(() => null),
      commandNode(home, 'status', 1000).catch(() => null),
    ])
    // An offer comes by HTTP and may be there before the node can be spoken to.
    const isConnected = node?.gateways.some(({ connected }) => connected) ?? false
    if (found !== null && found.offers.length > 0 && isConnected) return
    if (node !== null && node.refusal !== null) return
    await sleep(50)
  }
}

/** Ends processes that a killed supervisor left behind. */
async function endOrphans(paths: HomePaths): Promise<void> {
  const { network } = paths
  for (const name of ['node', 'gateway', 'chain'] as const) {
    const orphan = readPidFile(network.pid(name))
    if (orphan !== null) await endProcess(orphan, 10_000)
    dropPidFile(network.pid(name))
  }
}

/** Deletes the chain and everything that only has a meaning on it. Wallets stay. */
function resetNetwork({ network, home, leases }: HomePaths): void {
  for (const path of [network.chain, network.gateway, network.deployment, leases, `${home}/node`])
    rmSync(path, { recursive: true, force: true })
}

async function chooseState(paths: HomePaths, options: UpOptions): Promise<NetworkState> {
  const before = readNetworkState(paths.network)
  const supervisor = identityOf(process.pid)
  const port = async (
    service: string,
    flag: string,
    wanted: number | undefined,
    kept: number | undefined,
    usual: number,
  ) => {
    // Any port will do: the one of last time saves others from learning a new one.
    if (wanted === 0) return preferPort(kept ?? 0)
    if (wanted === undefined && kept === undefined) return preferPort(usual)
    const chosen = wanted ?? kept ?? usual
    const free = await freePort(chosen)
    if (free === null) throw new PortTakenError({ port: chosen, service, flag })
    return free
  }
  return {
    chainId: options.chainId ?? before?.chainId ?? 31337,
    chainPort: await port('chain', '--chain-port', options.chainPort, before?.chainPort, 8545),
    gatewayPort: await port('gateway', '--gateway-port', options.gatewayPort, before?.gatewayPort, 8787),
    phase: 'starting',
    ...(supervisor === null ? {} : { supervisor }),
    services: ['chain', ...(options.parts ?? (['gateway', 'node'] as const))],
  }
}
