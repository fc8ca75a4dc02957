import type { Address, Hash } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `redeemToTill` takes. */
export interface RedeemToTillParameters {
  readonly vault: Address
  /** At most what is claimable, `getRedeemRequest`. */
  readonly shares: bigint
  /** Whose account in the till gets the money. Default: the sender's. */
  readonly to?: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Claims what the queue paid for the sender's shares, into an account in the till.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Vault, shares and receiver.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await redeemToTill(client, { vault, shares: 1_000_000n })
 */
export function redeemToTill(client: WriteClient, parameters: RedeemToTillParameters): Promise<Hash> {
  const { vault, shares, to = client.account.address, overrides } = parameters
  return write(client, {
    address: vault,
    abi: vaultAbi,
    functionName: 'redeemToTill',
    args: [shares, to, client.account.address],
    overrides,
  })
}
