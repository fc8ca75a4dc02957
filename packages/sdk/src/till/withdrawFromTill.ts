import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `withdrawFromTill` takes. */
export interface WithdrawFromTillParameters {
  readonly deployment: Deployment
  /** ERC-20 token. */
  readonly currency: Address
  /** The wallet. */
  readonly to: Address
  /** Base units of the currency. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Pays money out of the sender's till account to a wallet.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, currency, wallet and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await withdrawFromTill(client, { deployment, currency, to: wallet, amount: 5_000_000n })
 */
export function withdrawFromTill(client: WriteClient, parameters: WithdrawFromTillParameters): Promise<Hash> {
  const { deployment, currency, to, amount, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'withdraw',
    args: [currency, to, amount],
    overrides,
  })
}
