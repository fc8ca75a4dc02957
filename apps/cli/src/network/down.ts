import { homePaths } from '../home/homePaths.ts'
import { endProcess } from '../processes/endProcess.ts'
import { dropPidFile, readPidFile } from '../processes/pidFile.ts'
import { readNetworkState, writeNetworkState } from './networkState.ts'

export interface DownResult {
  /** Whether anything was running. */
  readonly wasRunning: boolean
  /** Processes that had to be killed. */
  readonly killed: readonly string[]
}

/** Stops the local network, whoever started it; also what a killed supervisor left behind. */
export async function down(home?: string): Promise<DownResult> {
  const { network } = homePaths(home)
  const killed: string[] = []
  let wasRunning = false
  const end = async (name: string, path: string, graceMs: number) => {
    const identity = readPidFile(path)
    if (identity === null) return
    wasRunning = true
    if ((await endProcess(identity, graceMs)) === 'killed') killed.push(name)
    dropPidFile(path)
  }
  // The supervisor stops its processes in order; what is left after it was orphaned before.
  await end('supervisor', network.supervisor, 60_000)
  for (const name of ['node', 'gateway', 'chain']) await end(name, network.pid(name), 15_000)
  await end('anvil', `${network.chain}/anvil.pid`, 0)
  const state = readNetworkState(network)
  if (state !== null) writeNetworkState(network, { ...state, phase: 'stopped' })
  return { wasRunning, killed }
}
