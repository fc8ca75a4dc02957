import type { HomePaths } from '../home/homePaths.ts'
import type { NetworkState } from './networkState.ts'

/** Sets up this machine as a node of the local network, once, and gives its accounts test coins. */
export async function prepareNode(_paths: HomePaths, _state: NetworkState): Promise<void> {}
