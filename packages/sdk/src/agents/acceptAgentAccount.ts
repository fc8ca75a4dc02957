import type { Address, Hash } from 'viem'
import { agentAccountAbi } from '../generated/agentAccount.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `acceptAgentAccount` takes. */
export interface AcceptAgentAccountParameters {
  /** An account of its own. */
  readonly account: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Takes an account of its own that was offered to the sender.
 *
 * @param client A viem client with the new owner's account.
 * @param parameters Account.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await acceptAgentAccount(client, { account: wallet.account })
 */
export function acceptAgentAccount(
  client: WriteClient,
  parameters: AcceptAgentAccountParameters,
): Promise<Hash> {
  const { account, overrides } = parameters
  return write(client, {
    address: account,
    abi: agentAccountAbi,
    functionName: 'acceptOwner',
    args: [],
    overrides,
  })
}
