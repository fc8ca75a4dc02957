import type { Address, Hash } from 'viem'
import { agentAccountAbi } from '../generated/agentAccount.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `offerAgentAccount` takes. */
export interface OfferAgentAccountParameters {
  /** An account of its own. */
  readonly account: Address
  readonly to: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Offers an account of its own to another owner, who is none of its agents. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Account and the new owner.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await offerAgentAccount(client, { account: wallet.account, to: newOwner })
 */
export function offerAgentAccount(
  client: WriteClient,
  parameters: OfferAgentAccountParameters,
): Promise<Hash> {
  const { account, to, overrides } = parameters
  return write(client, {
    address: account,
    abi: agentAccountAbi,
    functionName: 'offerOwner',
    args: [to],
    overrides,
  })
}
