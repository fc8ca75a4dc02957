import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `depositToTill` takes. */
export interface DepositToTillParameters {
  readonly deployment: Deployment
  /** ERC-20 token. */
  readonly currency: Address
  /** Whose till account is credited. Default: the sender's. */
  readonly to?: Address
  /** Base units of the currency. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Puts money from the sender's wallet into a till account. The till must be approved for the token first
 * (`approveCurrency`), or use `depositWithPermit`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, currency, account and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await depositToTill(client, { deployment, currency, amount: 5_000_000n })
 */
export function depositToTill(client: WriteClient, parameters: DepositToTillParameters): Promise<Hash> {
  const { deployment, currency, to = client.account.address, amount, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'deposit',
    args: [currency, to, amount],
    overrides,
  })
}
