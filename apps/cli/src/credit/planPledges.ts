import { confirm, type Rank, setDebt, setRanks } from '@millrace/sdk'
import { type Address, isAddressEqual, zeroAddress } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { creditOf } from './creditOf.ts'
import { AssetPledgedError, CapMissingError, NotAheadError } from './errors.ts'
import { readStanding } from './readStanding.ts'

/** What has to be done for a pool to stand on an asset. */
export interface Pledge {
  readonly asset: bigint
  /** Order to write into the ranks; `null` where it stands there already. */
  readonly order: readonly Rank[] | null
  /** What to put into the debt slot; `null` where it is there already. */
  readonly slot: Address | null
}

/** How a pool comes to stand on assets, and what its terms must say of it. Amounts in base units. */
export interface PledgePlan {
  readonly pledges: readonly Pledge[]
  /** Caps of those before it, less those of the pool whose loan is taken over. */
  readonly ahead: bigint
  /** Most that it may lend; `null` where it fills a slot by itself. */
  readonly most: bigint | null
}

/**
 * Looks at how a pool can stand on assets. With a cap it goes into the ranks, behind whoever stands there; without one it fills the slot by
 * itself, or stays where it stands.
 *
 * @throws AssetPledgedError, CapMissingError, NotAheadError
 */
export async function planPledges(
  connection: Connection,
  of: {
    readonly assets: readonly bigint[]
    readonly pool: Address
    /** On each asset, in base units; `null` for none. */
    readonly cap: bigint | null
    /** Pool whose loan is taken over; `null` for none. */
    readonly replaced: Address | null
  },
): Promise<PledgePlan> {
  const places = await Promise.all(of.assets.map((asset) => placeOn(connection, { ...of, asset })))
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
  const caps = places.map(({ cap }) => cap)
  return {
    pledges: places.map(({ pledge }) => pledge),
    ahead: sum(places.map(({ ahead }) => ahead)),
    most: caps.every((cap) => cap !== null) ? sum(caps) : null,
  }
}

async function placeOn(
  connection: Connection,
  of: {
    readonly asset: bigint
    readonly pool: Address
    readonly cap: bigint | null
    readonly replaced: Address | null
  },
): Promise<{ readonly pledge: Pledge; readonly ahead: bigint; readonly cap: bigint | null }> {
  const { asset, pool, replaced } = of
  const { ranks } = creditOf(connection)
  const { slot, isRanked, places } = await readStanding(connection, asset)
  const isOwn = isAddressEqual(slot, pool)
  if (!isRanked && !isOwn && slot !== zeroAddress) throw new AssetPledgedError({ asset, debt: slot })
  if (!isRanked && of.cap === null) {
    if (replaced !== null) throw new NotAheadError({ asset, pool: replaced })
    return { pledge: { asset, order: null, slot: isOwn ? null : pool }, ahead: 0n, cap: null }
  }
  // Where it fills the slot by itself nobody stands in the ranks for it.
  const old = isOwn ? [] : places.map(({ facility, cap }) => ({ facility, cap: cap ?? 0n }))
  const at = old.findIndex(({ facility }) => isAddressEqual(facility, pool))
  const own = old[at]
  const cap = of.cap ?? own?.cap
  if (cap === undefined) throw new CapMissingError({ asset })
  const before = at < 0 ? old : old.slice(0, at)
  const others = before.filter(({ facility }) => replaced === null || !isAddressEqual(facility, replaced))
  if (replaced !== null && others.length === before.length) throw new NotAheadError({ asset, pool: replaced })
  const order = [...before, { facility: pool, cap }, ...old.slice(before.length + 1)]
  return {
    pledge: { asset, order: own?.cap === cap ? null : order, slot: isRanked ? null : ranks },
    ahead: others.reduce((total, rank) => total + rank.cap, 0n),
    cap,
  }
}

/** Does what was planned, as the owner of the assets. */
export async function pledge(
  { deployment }: Connection,
  { client }: OpenAccount,
  pledges: readonly Pledge[],
): Promise<void> {
  for (const { asset, order, slot } of pledges) {
    if (order !== null) await confirm(client, await setRanks(client, { deployment, asset, ranks: order }))
    if (slot !== null) await confirm(client, await setDebt(client, { deployment, asset, debt: slot }))
  }
}
