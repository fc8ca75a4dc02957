import type { Address } from 'viem'
import { vaultAbi } from '../generated/vault.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** A lender's shares in the queue of a vault. */
export interface RedeemRequest {
  /** Shares that wait to be paid. */
  readonly pending: bigint
  /** Shares that were paid and not claimed yet. */
  readonly claimable: bigint
  /** What they brought, in base units of the currency. */
  readonly assets: bigint
}

/**
 * Reads where a lender stands in the queue of a vault.
 *
 * @param client A viem client of the chain.
 * @param parameters Vault and the account that asked.
 * @returns Shares that wait, shares that can be claimed, and what for in base units.
 * @throws ChainUnreachableError.
 * @example
 * const { claimable } = await getRedeemRequest(client, { vault, controller: owner.address })
 */
export async function getRedeemRequest(
  client: ReadClient,
  parameters: { readonly vault: Address; readonly controller: Address; readonly blockNumber?: bigint },
): Promise<RedeemRequest> {
  const { vault, controller, blockNumber } = parameters
  const of = {
    address: vault,
    abi: vaultAbi,
    ...(blockNumber === undefined ? {} : { blockNumber }),
  } as const
  const [pending, claimable, assets] = await Promise.all([
    read(client, { ...of, functionName: 'pendingRedeemRequest', args: [0n, controller] }),
    read(client, { ...of, functionName: 'maxRedeem', args: [controller] }),
    read(client, { ...of, functionName: 'maxWithdraw', args: [controller] }),
  ])
  return { pending, claimable, assets }
}
