import type { Address, Hash } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `redeemShares` takes. */
export interface RedeemSharesParameters {
  readonly vault: Address
  /** At most what is claimable, `getRedeemRequest`. */
  readonly shares: bigint
  /** Wallet that gets the money. Default: the sender. */
  readonly to?: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Claims what the queue paid for the sender's shares, into a wallet.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Vault, shares and receiver.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await redeemShares(client, { vault, shares: 1_000_000n })
 */
export function redeemShares(client: WriteClient, parameters: RedeemSharesParameters): Promise<Hash> {
  const { vault, shares, to = client.account.address, overrides } = parameters
  return write(client, {
    address: vault,
    abi: vaultAbi,
    functionName: 'redeem',
    args: [shares, to, client.account.address],
    overrides,
  })
}
