import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import { claimArgument, type VoucherClaim } from './claim.ts'

/** What `claimVouchers` takes. */
export interface ClaimVouchersParameters {
  readonly deployment: Deployment
  /** The best voucher of each channel. Those to the same payee and currency side by side are paid in one movement. */
  readonly claims: readonly VoucherClaim[]
  readonly overrides?: TransactionOverrides
}

/**
 * Claims what vouchers and ticks promise, for many channels at once. By anyone: the payees are paid. One voucher that is not valid
 * makes all fail, so leave out channels that are not open, or that close within the time a transaction takes; one that
 * was claimed meanwhile does no harm.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and claims.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await claimVouchers(client, { deployment, claims: [{ channel, voucher, signature, word, ticks: 18 }] })
 */
export function claimVouchers(client: WriteClient, parameters: ClaimVouchersParameters): Promise<Hash> {
  const { deployment, claims, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'claim',
    args: [claims.map(claimArgument)],
    overrides,
    margin: epochMargin,
  })
}
