import {
  type Channel,
  type ChannelState,
  GatewayAnswerError,
  GatewayError,
  GatewayUnreachableError,
  gatewayClient,
  getChannel,
  getExposure,
  getLease,
  hashChannel,
  type Lease,
  RevertError,
} from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual, zeroAddress } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { type AgentFile, walletOf } from './agentFiles.ts'

/** Where an agent's money is besides its wallet: what gateways name, as it stands on chain. */
export interface AgentMoney {
  readonly channels: readonly { readonly id: Hash; readonly channel: Channel; readonly state: ChannelState }[]
  readonly leases: readonly { readonly id: Hash; readonly lease: Lease }[]
  /** The most that could still be lost after a pause, in base units: all that was found is looked up on chain, the rest counts in full. */
  readonly exposure: bigint
  /** The gateway that named them; `null` where none answered, so that nothing was looked up. */
  readonly gateway: string | null
}

/** Most that is looked up of either: what is beyond counts in full. */
const most = 100

/**
 * Finds an agent's open channels and running leases. A gateway names them, the chain says what they hold: one that hides or invents some can make the
 * exposure look higher than it is, and never lower.
 */
export async function findAgentMoney(connection: Connection, file: AgentFile): Promise<AgentMoney> {
  const { client, deployment, currency } = connection
  const line = { wallet: walletOf(file), agent: file.agent, currency: currency.address }
  const named = await askGateways(connection, file)
  const exposureOf = (channels: readonly Channel[], leases: readonly Hash[]) =>
    getExposure(client, { ...line, deployment, channels, leases })
  const ours = async (lease: Hash) => {
    try {
      await exposureOf([], [lease])
      return true
    } catch (error) {
      // Opened by another agent of the wallet, or by nobody.
      if (error instanceof RevertError && error.code === 'LEASE_FOREIGN') return false
      throw error
    }
  }
  const channels = await Promise.all(
    named.channels.map(async (channel) => {
      const id = hashChannel(channel, deployment)
      return { id, channel, state: await getChannel(client, { deployment, channel: id }) }
    }),
  )
  const leases = await Promise.all(
    named.leases.map(async (id) => {
      if (!(await ours(id))) return []
      const lease = await getLease(client, { deployment, lease: id })
      return lease === null ? [] : [{ id, lease }]
    }),
  )
  const open = channels.filter(({ state }) => state.state !== 'none')
  const running = leases.flat().filter(({ lease }) => lease.state !== 'settled')
  const known = [channels.map(({ channel }) => channel), leases.flat().map(({ id }) => id)] as const
  return { channels: open, leases: running, exposure: await exposureOf(...known), gateway: named.gateway }
}

async function askGateways(
  { gateways }: Connection,
  { account, agent }: AgentFile,
): Promise<{
  readonly channels: readonly Channel[]
  readonly leases: readonly Hash[]
  readonly gateway: string | null
}> {
  for (const url of gateways) {
    const gateway = gatewayClient(url, { retries: 0 })
    try {
      const [{ channels }, { leases }] = await Promise.all([
        gateway.listChannels({ payer: account, signer: agent, limit: most }),
        gateway.listLeases({ buyer: account, limit: most }),
      ])
      return {
        gateway: url,
        leases: leases.map(({ id }) => id),
        // What belongs to somebody else would be refused by the contract, and a pause with it.
        channels: channels
          .filter(({ payer, signer }) => isAddressEqual(payer, account) && isAddressEqual(signer, agent))
          .map(({ payer, signer, payee, asset, currency, closeDelay, salt }) => ({
            ...{ payer, signer, currency, closeDelay, salt },
            payee: payee ?? zeroAddress,
            asset: asset ?? 0n,
          })),
      }
    } catch (error) {
      const gone =
        error instanceof GatewayUnreachableError ||
        error instanceof GatewayError ||
        error instanceof GatewayAnswerError
      if (!gone) throw error
    }
  }
  return { channels: [], leases: [], gateway: null }
}

/** The address that a channel's or lease's money goes to, for people. */
export const payeeOf = ({ payee, asset }: { readonly payee: Address; readonly asset: bigint }): string =>
  asset === 0n ? payee : `asset ${asset}`
