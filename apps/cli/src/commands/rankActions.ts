import { confirm, getLoan, refinanceLoan, takeOverLoan } from '@millrace/sdk'
import { isAddressEqual, zeroAddress } from 'viem'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { LoanUnsignedError } from '../credit/errors.ts'
import { findPool } from '../credit/findPool.ts'
import { leave } from '../credit/leave.ts'
import { readLoanFile } from '../credit/loanFile.ts'
import { type Place, readStanding, type Standing } from '../credit/readStanding.ts'
import { type Currency, formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { openLoan } from './loanActions.ts'

export interface RanksFlags extends GlobalFlags {
  readonly drop?: string
}

/** Pays a loan off with a new one, of the same pool or of another, in one step. */
export async function refinance(
  of: { readonly old: string; readonly file: string },
  flags: GlobalFlags,
): Promise<void> {
  const { connection, file, currency } = await openLoan(of.file, flags)
  const { client } = connection
  const old = readLoanFile(connection, of.old)
  const { loan, pool, desk, terms, signature } = file
  if (signature === null) throw new LoanUnsignedError({ path: of.file, underwriter: terms.underwriter })
  const sender = await openAccount(connection, flags)
  const isTakenOver = !isAddressEqual(old.pool, pool)
  const transaction = isTakenOver
    ? await takeOverLoan(sender.client, { desk, from: old.pool, loan: old.loan, terms, signature })
    : await refinanceLoan(sender.client, { desk, old: old.terms, terms, signature })
  await confirm(sender.client, transaction)
  const [before, after] = await Promise.all([
    getLoan(client, { facility: old.pool, loan: old.loan }),
    getLoan(client, { facility: pool, loan }),
  ])
  const { state, principal, interest, drawn: paidOff } = after
  createOutput(flags.json === true).result(
    {
      ...{ loan, pool, old: old.loan, oldPool: old.pool, oldState: before.state, isTakenOver },
      ...{ paidOff, state, principal, interest, transaction },
    },
    [
      `Loan ${old.loan} is paid off${isTakenOver ? ` at pool ${old.pool}` : ''}: ${formatAmount(paidOff, currency)}.`,
      `Owed now on loan ${loan}: ${formatAmount(principal + interest, currency)}.`,
    ].join('\n'),
  )
}

/** Shows who stands on an asset; with `--drop`, takes one with nothing outstanding off it first. */
export async function ranks(id: string, flags: RanksFlags): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, id)
  const currency = await connection.currencyOf(asset.currency)
  if (flags.drop !== undefined) {
    const { facility: pool } = await findPool(connection, flags.drop)
    await leave(connection, await openAccount(connection, flags), { asset: asset.id, pool })
  }
  const standing = await readStanding(connection, asset.id)
  createOutput(flags.json === true).result({ ...standing }, describe(standing, currency))
}

function describe({ asset, slot, isRanked, places }: Standing, currency: Currency): string {
  const amount = (value: bigint) => formatAmount(value, currency)
  if (places.length === 0)
    return slot === zeroAddress
      ? `Nobody stands on asset ${asset}: its debt slot is empty.`
      : isRanked
        ? `Nobody stands on asset ${asset}: the ranks in its debt slot are empty.`
        : `The debt slot of asset ${asset} is filled by ${slot}, which is no pool.`
  const rows = places.map((place, at) => ({ ...place, number: at + 1 }))
  const table = formatTable<Place & { readonly number: number }>(
    [
      { head: '', of: ({ number }) => String(number) },
      { head: 'POOL', of: ({ facility }) => facility },
      { head: 'CAP', of: ({ cap }) => (cap === null ? 'none' : amount(cap)), align: 'right' },
      { head: 'AHEAD', of: ({ ahead }) => amount(ahead), align: 'right' },
      { head: 'OWED', of: ({ principal, interest }) => amount(principal + interest), align: 'right' },
      { head: 'STATE', of: ({ state }) => (state === 'none' ? 'no loan' : state) },
    ],
    rows,
  )
  return slot === zeroAddress
    ? `${table}\nThe debt slot of asset ${asset} is empty: nothing is collected for them.`
    : table
}
