import { getLoan, getRanks, getTill, type LoanState, type RankState } from '@millrace/sdk'
import { facilityAbi } from '@millrace/sdk/abi'
import { type Address, isAddressEqual, zeroAddress, zeroHash } from 'viem'
import { readContract } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import { creditOf } from './creditOf.ts'

/** A facility's place on an asset; without a cap where it fills the debt slot by itself. */
export interface Place extends Omit<RankState, 'cap' | 'held'> {
  readonly cap: bigint | null
}

/** Who stands on an asset. */
export interface Standing {
  readonly asset: bigint
  /** What fills the debt slot of its till; zero for nothing. */
  readonly slot: Address
  /** Whether the ranks do. If not, nothing is collected for those whose order is written there. */
  readonly isRanked: boolean
  /** First to last. */
  readonly places: readonly Place[]
}

/** Reads who stands on an asset, first to last. */
export async function readStanding(connection: Connection, asset: bigint): Promise<Standing> {
  const { client, deployment } = connection
  const { debt: slot } = (await getTill(client, { deployment, asset })).terms
  const isRanked = isAddressEqual(slot, creditOf(connection).ranks)
  if (!isRanked && slot !== zeroAddress)
    return { asset, slot, isRanked, places: await readAlone(connection, { asset, facility: slot }) }
  const ranks = await getRanks(client, { deployment, asset })
  return { asset, slot, isRanked, places: ranks.map(({ held: _, ...place }) => place) }
}

/** A facility that fills the slot by itself; nobody if what does is none. */
async function readAlone(
  { client }: Connection,
  { asset, facility }: { readonly asset: bigint; readonly facility: Address },
): Promise<readonly Place[]> {
  const of = { address: facility, abi: facilityAbi, args: [asset] } as const
  const loan = await readContract(client, { ...of, functionName: 'loanOf' }).catch(() => null)
  if (loan === null) return []
  const alone = { facility, cap: null, ahead: 0n }
  if (loan === zeroHash)
    return [{ ...alone, loan: null, state: 'none', isOutstanding: false, principal: 0n, interest: 0n }]
  const { state, principal, interest } = await getLoan(client, { facility, loan })
  return [{ ...alone, loan, state, isOutstanding: state !== 'closed', principal, interest }]
}

/** A facility that is paid before another on an asset. Amounts in base units. */
export interface Ahead {
  readonly asset: bigint
  readonly facility: Address
  /** Most that it may draw. */
  readonly cap: bigint
  readonly owed: bigint
  readonly state: LoanState
}

/** Who is paid before a pool on assets; nobody where it fills the slot by itself. */
export async function readAhead(
  connection: Connection,
  of: { readonly pool: Address; readonly assets: readonly bigint[] },
): Promise<readonly Ahead[]> {
  const standings = await Promise.all(of.assets.map((asset) => readStanding(connection, asset)))
  return standings.flatMap(({ asset, isRanked, places }) => {
    if (!isRanked) return []
    const own = places.findIndex(({ facility }) => isAddressEqual(facility, of.pool))
    return places.slice(0, Math.max(own, 0)).map(({ facility, cap, principal, interest, state }) => ({
      ...{ asset, facility, state },
      cap: cap ?? 0n,
      owed: principal + interest,
    }))
  })
}
