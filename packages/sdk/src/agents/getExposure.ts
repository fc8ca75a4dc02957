import type { Hash } from 'viem'
import type { Channel } from '../channels/channel.ts'
import { hashChannel } from '../channels/hashChannel.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { agentsAbi } from '../generated/agents.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { hubOf } from './account.ts'
import type { AgentLine } from './getAgentBudget.ts'

/**
 * Reads the most that can still be lost through an agent once it is paused: what is left in its channels and leases, and
 * in its float up to what was put there. Channels and leases that are not given count with all that was put into them.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, wallet, agent, currency, and the channels and leases to look up, in any order.
 * @returns Base units; never below the truth.
 * @throws RevertError with the contract's reason, ChainUnreachableError.
 * @example
 * const most = await getExposure(client, { deployment, wallet, agent, currency, channels, leases: [] })
 */
export function getExposure(
  client: ReadClient,
  parameters: AgentLine & {
    readonly deployment: Deployment
    readonly channels: readonly Channel[]
    readonly leases: readonly Hash[]
  },
): Promise<bigint> {
  const { deployment, wallet, agent, currency } = parameters
  const channels = new Map(parameters.channels.map((channel) => [hashChannel(channel, deployment), channel]))
  const ordered = [...channels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, channel]) => channel)
  const leases = [...new Set(parameters.leases)].sort()
  return read(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'exposureOf',
    args: [wallet.account, agent, currency, ordered, leases],
  })
}
