import { type Address, type Hash, parseEventLogs, type TransactionReceipt } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `wrapUnits` takes. */
export interface WrapUnitsParameters {
  readonly deployment: Deployment
  /** Senior line of a facility that the till lists. */
  readonly vault: Address
  /** Base units of the vault. */
  readonly shares: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Makes an asset out of shares of a facility's senior line, which another facility can lend on. The sender owns it. It has approved the
 * units to move the shares (`approveUnits`).
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, the senior vault of a listed facility, and shares in its base units.
 * @returns The transaction's hash; `wrappedUnits(await confirm(client, hash))` is the asset.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await wrapUnits(client, { deployment, vault, shares: 1_000_000n })
 */
export async function wrapUnits(client: WriteClient, parameters: WrapUnitsParameters): Promise<Hash> {
  const { deployment, vault, shares, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    functionName: 'wrap',
    args: [vault, shares],
    overrides,
  })
}

/**
 * Reads the number of a new asset of units from its transaction.
 *
 * @param receipt Receipt of a `wrapUnits` transaction.
 * @returns The asset, or `null` if the transaction made none.
 * @example
 * const asset = wrappedUnits(await confirm(client, hash))
 */
export function wrappedUnits(receipt: Pick<TransactionReceipt, 'logs'>): bigint | null {
  const [log] = parseEventLogs({ abi: unitsAbi, eventName: 'UnitsWrapped', logs: receipt.logs })
  return log?.args.asset ?? null
}
