import { homePaths } from '../home/homePaths.ts'
import { readPidFile } from '../processes/pidFile.ts'
import { chainUrl, gatewayUrl, type NetworkState, readNetworkState } from './networkState.ts'
import { serviceSpec } from './services.ts'

export interface ServiceStatus {
  readonly service: string
  readonly state: 'healthy' | 'starting' | 'not answering' | 'stopped'
  readonly pid: number | null
  readonly url: string | null
  readonly log: string
}

export interface NetworkStatus {
  readonly phase: NetworkState['phase'] | 'never started'
  readonly supervisor: number | null
  readonly chainId: number | null
  readonly services: readonly ServiceStatus[]
  readonly error: string | null
}

/** What runs of the local network and whether it is well. */
export async function networkStatus(home?: string): Promise<NetworkStatus> {
  const paths = homePaths(home)
  const state = readNetworkState(paths.network)
  const supervisor = readPidFile(paths.network.supervisor)?.pid ?? null
  if (state === null) return { phase: 'never started', supervisor, chainId: null, services: [], error: null }
  const urls: Record<string, string> = { chain: chainUrl(state), gateway: gatewayUrl(state) }
  const services = await Promise.all(
    state.services.map(async (service): Promise<ServiceStatus> => {
      const pid = readPidFile(paths.network.pid(service))?.pid ?? null
      const isHealthy = pid !== null && (await serviceSpec(service, paths, state).isHealthy())
      return {
        service,
        state:
          pid === null
            ? 'stopped'
            : isHealthy
              ? 'healthy'
              : state.phase === 'starting'
                ? 'starting'
                : 'not answering',
        pid,
        url: urls[service] ?? null,
        log: paths.network.log(service),
      }
    }),
  )
  return { phase: state.phase, supervisor, chainId: state.chainId, services, error: state.error ?? null }
}
