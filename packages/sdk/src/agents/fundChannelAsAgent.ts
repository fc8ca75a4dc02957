import { type Hash, zeroHash } from 'viem'
import type { Channel } from '../channels/channel.ts'
import { agentsAbi } from '../generated/agents.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { noApproval, type SpendApproval } from './spend.ts'

/** What `fundChannelAsAgent` takes. */
export interface FundChannelAsAgentParameters {
  readonly wallet: AgentWallet
  /** The account is its payer, the agent its signer. */
  readonly channel: Channel
  /** Base units. */
  readonly amount: bigint
  /** What is bought, as `serviceHash` names it. Default zero. */
  readonly service?: Hash
  readonly ref: bigint
  readonly approval?: SpendApproval
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a channel from an agent's wallet, or adds to it. The deposit counts as spent.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Wallet, channel, amount in base units, service, ref, and an approval where one is needed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await fundChannelAsAgent(client, { wallet, channel, amount: 5_000_000n, ref: 2n })
 */
export function fundChannelAsAgent(
  client: WriteClient,
  parameters: FundChannelAsAgentParameters,
): Promise<Hash> {
  const { wallet, channel, amount, service = zeroHash, ref, approval = noApproval, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'fundChannel',
    args: [wallet.account, channel, amount, service, ref, approval],
    overrides,
  })
}
