import type { Address, Hash } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `depositFromTill` takes. */
export interface DepositFromTillParameters {
  /** Senior or junior line of a facility. */
  readonly vault: Address
  /** Base units of the currency. */
  readonly amount: bigint
  /** Who gets the shares. Default: the sender. */
  readonly to?: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Lends to a line of a facility from the sender's account in the till, where the vault must be approved with
 * `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Vault, amount in base units and receiver.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await depositFromTill(client, { vault, amount })
 */
export function depositFromTill(client: WriteClient, parameters: DepositFromTillParameters): Promise<Hash> {
  const { vault, amount, to = client.account.address, overrides } = parameters
  return write(client, {
    address: vault,
    abi: vaultAbi,
    functionName: 'depositFromTill',
    args: [amount, to],
    overrides,
  })
}
