import type { Address, Hash } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `serveQueue` takes. */
export interface ServeQueueParameters {
  readonly vault: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Pays the queue of a vault, first in first out, as far as idle money and subordination reach, at the conservative
 * price of this second. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Vault.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await serveQueue(client, { vault })
 */
export function serveQueue(client: WriteClient, parameters: ServeQueueParameters): Promise<Hash> {
  const { vault, overrides } = parameters
  return write(client, {
    address: vault,
    abi: vaultAbi,
    functionName: 'serve',
    args: [],
    overrides,
  })
}
