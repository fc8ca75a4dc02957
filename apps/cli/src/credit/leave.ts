import { confirm, dropRank, setDebt } from '@millrace/sdk'
import { type Address, isAddressEqual, zeroAddress } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { readStanding } from './readStanding.ts'

/**
 * Takes a pool with nothing outstanding off an asset, as its owner: out of the ranks, or out of the debt slot, which is cleared
 * with the last one. Found done if it does not stand there.
 *
 * @returns Whether the slot is empty now.
 */
export async function leave(
  connection: Connection,
  { client }: OpenAccount,
  of: { readonly asset: bigint; readonly pool: Address },
): Promise<boolean> {
  const { asset, pool } = of
  const { deployment } = connection
  const { slot, isRanked, places } = await readStanding(connection, asset)
  const isPool = ({ facility }: { readonly facility: Address }) => isAddressEqual(facility, pool)
  if (isRanked && places.some(isPool))
    await confirm(client, await dropRank(client, { deployment, asset, facility: pool }))
  const mustClear = isRanked ? places.every(isPool) : isAddressEqual(slot, pool)
  if (mustClear) await confirm(client, await setDebt(client, { deployment, asset, debt: zeroAddress }))
  return mustClear || slot === zeroAddress
}
