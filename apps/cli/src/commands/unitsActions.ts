import {
  approveUnits,
  collectUnits,
  confirm,
  getFacility,
  getUnits,
  RevertError,
  redeemUnits,
  serveQueue,
  type UnitsState,
  unwrapUnits,
  wrappedUnits,
  wrapUnits,
} from '@millrace/sdk'
import { erc20Abi, formatUnits } from 'viem'
import { readContract } from 'viem/actions'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { NothingToRedeemError, UnitsUnknownError } from '../credit/errors.ts'
import { findPool } from '../credit/findPool.ts'
import { readShares } from '../credit/parts.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { readAssetId } from './transact.ts'

/** An asset of units, with what it takes to print it. */
async function find(connection: Connection, text: string) {
  const { client, deployment } = connection
  const asset = readAssetId(text)
  const units = await getUnits(client, { deployment, asset })
  if (units === null) throw new UnitsUnknownError({ asset })
  const pool = await getFacility(client, { facility: units.facility })
  const currency = await connection.currencyOf(pool.currency)
  return { asset, units, currency, decimals: pool.lines.senior.decimals }
}

const sharesOfHeld = (text: string, { held }: UnitsState, decimals: number) =>
  text === 'all' ? held : readShares(text, decimals)

export async function wrap(
  of: { readonly pool: string; readonly shares: string },
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const { client, deployment } = connection
  const { lines, facility } = await findPool(connection, of.pool)
  const { vault, decimals } = lines.senior
  const sender = await openAccount(connection, flags)
  const account = sender.account.address
  const has = await readContract(client, {
    ...{ address: vault, abi: erc20Abi, functionName: 'balanceOf', args: [account] },
  } as const)
  if (has === 0n) throw new NothingToRedeemError({ account, vault, what: 'no shares' })
  const shares = of.shares === 'all' ? has : readShares(of.shares, decimals)
  await confirm(sender.client, await approveUnits(sender.client, { deployment, vault, shares }))
  const transaction = await wrapUnits(sender.client, { deployment, vault, shares })
  const asset = wrappedUnits(await confirm(sender.client, transaction))
  if (asset === null) throw new UsageError({ message: 'The transaction made no asset.' })
  createOutput(flags.json === true).result(
    { asset, pool: facility, vault, shares, transaction },
    [
      `Asset ${asset} is made of ${formatUnits(shares, decimals)} senior shares of ${facility}.`,
      `Borrow on it from another pool: millrace loan apply <pool> loan.json --asset ${asset} --share 100 --dscr 0 …`,
    ].join('\n'),
  )
}

export async function unwrap(
  of: { readonly asset: string; readonly shares: string },
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const { asset, units, decimals } = await find(connection, of.asset)
  const sender = await openAccount(connection, flags)
  const shares = sharesOfHeld(of.shares, units, decimals)
  const { deployment } = connection
  const transaction = await unwrapUnits(sender.client, { deployment, asset, shares })
  await confirm(sender.client, transaction)
  createOutput(flags.json === true).result(
    { asset, vault: units.vault, shares, transaction },
    `${formatUnits(shares, decimals)} shares are in the wallet; asset ${asset} holds ${formatUnits(units.held - shares, decimals)}.`,
  )
}

export async function recall(
  of: { readonly asset: string; readonly shares: string },
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const { asset, units, decimals } = await find(connection, of.asset)
  const sender = await openAccount(connection, flags)
  const { client, deployment } = connection
  const asked = sharesOfHeld(of.shares, units, decimals)
  const transaction = await redeemUnits(sender.client, { deployment, asset, shares: asked })
  await confirm(sender.client, transaction)
  // Of a loan that is late all goes, whatever was asked.
  const later = await getUnits(client, { deployment, asset })
  const shares = units.held - (later?.held ?? 0n)
  createOutput(flags.json === true).result(
    { asset, vault: units.vault, shares, transaction },
    [
      `${formatUnits(shares, decimals)} shares of asset ${asset} wait in the queue.`,
      `Put what is paid into its till: millrace pool collect ${asset}`,
    ].join('\n'),
  )
}

export async function collect(text: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { client, deployment } = connection
  const { asset, units: before, currency } = await find(connection, text)
  const sender = await openAccount(connection, flags)
  if (before.waiting > 0n) {
    try {
      await confirm(sender.client, await serveQueue(sender.client, { vault: before.vault }))
    } catch (error) {
      // Somebody else was quicker.
      if (!(error instanceof RevertError) || error.revert.name !== 'ZeroShares') throw error
    }
  }
  const amount = (await getUnits(client, { deployment, asset }))?.paid ?? 0n
  const transaction = await collectUnits(sender.client, { deployment, asset })
  await confirm(sender.client, transaction)
  createOutput(flags.json === true).result(
    { asset, amount, transaction },
    [
      `${formatAmount(amount, currency)} are in the till of asset ${asset}.`,
      `Once the epoch is over they repay what is owed: millrace till settle ${asset}`,
    ].join('\n'),
  )
}

export async function showUnits(text: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { asset, units, currency, decimals } = await find(connection, text)
  const shares = (value: bigint) => formatUnits(value, decimals)
  createOutput(flags.json === true).result(
    { asset, ...units },
    [
      `Asset ${asset}: senior shares of ${units.facility}${units.isListed ? '' : ', which the till does not list any more'}`,
      `Worth      ${formatAmount(units.value, currency)}`,
      `Held       ${shares(units.held)} shares`,
      `Waiting    ${shares(units.waiting)} in the queue`,
      `Paid       ${formatAmount(units.paid, currency)} for ${shares(units.claimable)} shares, not collected yet`,
    ].join('\n'),
  )
}
