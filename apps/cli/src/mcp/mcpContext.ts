import { join } from 'node:path'
import {
  type BatchWallet,
  type CallDeals,
  type ChannelWallet,
  createCallDeals,
  openBatchWallet,
  openChannelWallet,
  readBatchChannel,
} from '@millrace/pay'
import { x402Contracts } from '@millrace/pay/x402'
import { getChannel } from '@millrace/sdk'
import { getCode } from 'viem/actions'
import type { GlobalFlags } from '../commands/flags.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { type NamedServers, readNamedServers } from './connectTools.ts'
import { BudgetMissingError } from './errors.ts'
import { type Agreements, openAgreements } from './openAgreements.ts'
import { type Hires, openHires } from './openHires.ts'
import { openServices, type Services } from './openServices.ts'
import { openSpendingLimit, type SpendingFlags, type SpendingLimit } from './spendingLimit.ts'
import type { Tool } from './tool.ts'
import { accountTools } from './tools/accountTools.ts'
import { channelTools } from './tools/channelTools.ts'
import { hireTools } from './tools/hireTools.ts'
import { marketTools } from './tools/marketTools.ts'
import { paidToolTools } from './tools/paidToolTools.ts'
import { payTools } from './tools/payTools.ts'
import { reputationTools } from './tools/reputationTools.ts'
import { sellTools } from './tools/sellTools.ts'

/** What the tools work with. */
export interface McpContext {
  readonly connection: Connection
  readonly buyer: OpenAccount
  readonly limit: SpendingLimit
  readonly channels: ChannelWallet
  /** Channels of x402's own contract; absent where the chain has none. */
  readonly batch?: BatchWallet
  readonly hires: Hires
  readonly agreements: Agreements
  /** Prices of calls that sellers agreed to. */
  readonly deals: CallDeals
  /** Servers of tools that are started by a command. */
  readonly servers: NamedServers
  readonly services: Services
  /** Folder below which tasks may read and write files, absolute. */
  readonly folder: string
  /** What the server was started with. */
  readonly flags: GlobalFlags
  /** Leaves running jobs running, claims what services earned, and closes the files. */
  close(): Promise<void>
}

/**
 * Opens what the tools of one server work with.
 *
 * @throws BudgetMissingError, and what `connect`, `openAccount`, `openSpendingLimit` and `openChannelWallet` throw
 */
export async function openMcpContext(
  flags: GlobalFlags & SpendingFlags & { readonly tools?: readonly string[]; readonly sellAt?: string },
  folder: string,
): Promise<McpContext> {
  if (flags.budget === undefined) throw new BudgetMissingError()
  const servers = readNamedServers(flags.tools ?? [])
  const connection = await connect(flags)
  const { deployment, currency, client } = connection
  const buyer = await openAccount(connection, flags)
  const limit = await openSpendingLimit(connection, flags)
  try {
    const who = buyer.account.address.toLowerCase()
    // A deposit is not spent; but what is locked is never more than what may be.
    const signing = {
      deployment,
      currency,
      budget: limit.budget,
      payer: buyer.account,
      maxDeposit: limit.total,
    }
    const channels = await openChannelWallet({
      ...{ ...signing, path: join(limit.folder, `channels-${who}.jsonl`) },
      readChannel: (channel) => getChannel(client, { deployment, channel }),
    })
    const code = await getCode(client, { address: x402Contracts.batchSettlement })
    const batch =
      code === undefined
        ? undefined
        : await openBatchWallet({
            ...{ ...signing, path: join(limit.folder, `batch-${who}.jsonl`) },
            readChannel: (channel) => readBatchChannel(client, { channel }),
          })
    const hires = openHires({ connection, buyer, limit })
    const agreements = openAgreements()
    const deals = createCallDeals({ deployment, currency, client, signer: buyer.account })
    const services = openServices({ connection, seller: buyer, host: flags.sellAt ?? '127.0.0.1' })
    return {
      ...{ connection, buyer, limit, channels, hires, agreements, deals, servers, services, folder, flags },
      ...(batch === undefined ? {} : { batch }),
      async close() {
        await services.close()
        await hires.leave()
        await batch?.close()
        await channels.close()
        await limit.close()
      },
    }
  } catch (error) {
    await limit.close()
    throw error
  }
}

/** All tools, in the order in which they are used. */
export const mcpTools = (context: McpContext): readonly Tool[] => [
  ...marketTools(context),
  ...hireTools(context),
  ...payTools(context),
  ...paidToolTools(context),
  ...channelTools(context),
  ...sellTools(context),
  ...reputationTools(context),
  ...accountTools(context),
]
