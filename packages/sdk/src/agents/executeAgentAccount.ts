import type { Address, Hash, Hex } from 'viem'
import { agentAccountAbi } from '../generated/agentAccount.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `executeAgentAccount` takes. */
export interface ExecuteAgentAccountParameters {
  /** An account of its own. */
  readonly account: Address
  readonly target: Address
  readonly data: Hex
  readonly overrides?: TransactionOverrides
}

/**
 * Calls anything as an account of its own: withdraws, registers assets, takes back what strayed there. As the owner.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Account, target and the data of the call.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await executeAgentAccount(client, { account: wallet.account, target: deployment.till, data: '0x' })
 */
export function executeAgentAccount(
  client: WriteClient,
  parameters: ExecuteAgentAccountParameters,
): Promise<Hash> {
  const { account, target, data, overrides } = parameters
  return write(client, {
    address: account,
    abi: agentAccountAbi,
    functionName: 'execute',
    args: [target, data],
    overrides,
  })
}
