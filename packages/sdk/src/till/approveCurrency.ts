import { type Address, erc20Abi, type Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `approveCurrency` takes. */
export interface ApproveCurrencyParameters {
  readonly deployment: Deployment
  /** ERC-20 token. */
  readonly currency: Address
  /** Base units that the till may take from the sender's wallet. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Lets the till take a currency from the sender's wallet, for `depositToTill`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, currency and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the token's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await approveCurrency(client, { deployment, currency, amount: 5_000_000n })
 */
export function approveCurrency(client: WriteClient, parameters: ApproveCurrencyParameters): Promise<Hash> {
  const { deployment, currency, amount, overrides } = parameters
  return write(client, {
    address: currency,
    abi: erc20Abi,
    functionName: 'approve',
    args: [deployment.till, amount],
    overrides,
  })
}
