import { type Address, isAddressEqual, zeroAddress } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** An asset that is made of shares of a facility's senior line. Shares in base units of the vault, money in those of the currency. */
export interface UnitsState {
  /** Whose line stands behind it. */
  readonly facility: Address
  readonly vault: Address
  /** What all shares are worth at the conservative price, with what was paid and not collected; rounded down. */
  readonly value: bigint
  /** Whether the till still lists the facility: if not, nothing is lent on its units. */
  readonly isListed: boolean
  /** Shares that are not asked back. */
  readonly held: bigint
  /** Shares that wait in the queue. */
  readonly waiting: bigint
  /** Shares that the queue paid and that were not collected. */
  readonly claimable: bigint
  /** What it paid for them. */
  readonly paid: bigint
}

/**
 * Reads what an asset of units is made of and worth.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and asset; `blockNumber` for a block other than the latest.
 * @returns Its shares, where they are, and their worth; `null` for an asset that is not made of units.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const units = await getUnits(client, { deployment, asset })
 */
export async function getUnits(
  client: ReadClient,
  parameters: {
    readonly deployment: Deployment
    readonly asset: bigint
    readonly blockNumber?: bigint
  },
): Promise<UnitsState | null> {
  const { deployment, asset, blockNumber } = parameters
  const of = {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    args: [asset],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  } as const
  const [value, isListed, facility] = await read(client, { ...of, functionName: 'valueOf' })
  if (isAddressEqual(facility, zeroAddress)) return null
  const position = await read(client, { ...of, functionName: 'positionOf' })
  return { facility, value, isListed, ...position }
}
