import type { Hash, Hex } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import type { Offer } from '../market/offer.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { noApproval, type SpendApproval } from './spend.ts'

/** What `openLeaseAsAgent` takes. */
export interface OpenLeaseAsAgentParameters {
  readonly wallet: AgentWallet
  readonly offer: Offer
  /** The operator's signature. */
  readonly signature: Hex
  /** Seconds to pay for in advance. */
  readonly duration: number
  readonly ref: bigint
  readonly approval?: SpendApproval
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a lease from an agent's wallet. The price locked counts as spent; what comes back does not lower it.
 *
 * @param client A viem client with the agent's account.
 * @param parameters Wallet, offer, signature, duration in seconds, ref, and an approval where one is needed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await openLeaseAsAgent(client, { wallet, offer, signature, duration: 3600, ref: 3n })
 */
export function openLeaseAsAgent(client: WriteClient, parameters: OpenLeaseAsAgentParameters): Promise<Hash> {
  const { wallet, offer, signature, duration, ref, approval = noApproval, overrides } = parameters
  return write(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'openLease',
    args: [wallet.account, offer, signature, duration, ref, approval],
    overrides,
  })
}
