import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `transferInTill` takes. */
export interface TransferInTillParameters {
  readonly deployment: Deployment
  /** ERC-20 token. */
  readonly currency: Address
  /** The other account. */
  readonly to: Address
  /** Base units of the currency. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Moves money from the sender's till account to another one.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, currency, account and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await transferInTill(client, { deployment, currency, to: account, amount: 1_000_000n })
 */
export function transferInTill(client: WriteClient, parameters: TransferInTillParameters): Promise<Hash> {
  const { deployment, currency, to, amount, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'transfer',
    args: [to, BigInt(currency), amount],
    overrides,
  })
}
