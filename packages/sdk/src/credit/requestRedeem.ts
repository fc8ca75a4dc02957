import type { Address, Hash } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `requestRedeem` takes. */
export interface RequestRedeemParameters {
  readonly vault: Address
  /** Base units of the vault. */
  readonly shares: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Puts shares of the sender into the queue of those who leave. They earn and lose until they are paid, and cannot be
 * called back.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Vault and shares.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await requestRedeem(client, { vault, shares: 1_000_000n })
 */
export function requestRedeem(client: WriteClient, parameters: RequestRedeemParameters): Promise<Hash> {
  const { vault, shares, overrides } = parameters
  return write(client, {
    address: vault,
    abi: vaultAbi,
    functionName: 'requestRedeem',
    args: [shares, client.account.address, client.account.address],
    overrides,
  })
}
