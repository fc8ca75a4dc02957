import type { Address } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { facilityAbi } from '../generated/facility.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** What stands behind a facility through the units it lends on. Amounts in base units of its currency. */
export interface LookThrough {
  /** Facilities whose units secure loans here, and what is drawn on them, loans that are not harvested included. */
  readonly behind: readonly { readonly facility: Address; readonly drawn: bigint }[]
  /**
   * Most that may hang on any one obligor, and on any one cluster of the three kinds, through all of them, by whatever name: each has
   * that much less room here.
   */
  readonly through: readonly bigint[]
  /** Whether others stand so deep behind that all that was drawn on them counts as one name. */
  readonly isCut: boolean
}

/** How deep a desk looks. */
const levels = 2n

/**
 * Reads what stands behind a facility through the units it lends on.
 *
 * @param client A viem client of the chain.
 * @param parameters Address of the facility; `blockNumber` for a block other than the latest.
 * @returns The facilities behind it, and the bound on any one name.
 * @throws ChainUnreachableError, or viem's error if there is no facility at the address.
 * @example
 * const { behind, through } = await getLookThrough(client, { facility })
 */
export async function getLookThrough(
  client: ReadClient,
  parameters: { readonly facility: Address; readonly blockNumber?: bigint },
): Promise<LookThrough> {
  const { facility, blockNumber } = parameters
  const at = blockNumber === undefined ? {} : { blockNumber }
  const address = await read(client, { address: facility, abi: facilityAbi, ...at, functionName: 'desk' })
  const of = { address, abi: deskAbi, ...at } as const
  const kinds = [0n, 1n, 2n, 3n]
  const [facilities, through, norms] = await Promise.all([
    read(client, { ...of, functionName: 'facilitiesBehind' }),
    Promise.all(kinds.map((kind) => read(client, { ...of, functionName: 'throughOf', args: [kind] }))),
    Promise.all(kinds.map((kind) => read(client, { ...of, functionName: 'normOf', args: [kind, levels] }))),
  ])
  const behind = await Promise.all(
    facilities.map(async (one) => ({
      facility: one,
      drawn: await read(client, { ...of, functionName: 'exposureTo', args: [one] }),
    })),
  )
  return { behind, through, isCut: norms.some(([, whole]) => whole) }
}
