import {
  type Currency,
  confirm,
  findLots,
  lotEnd,
  lotPrice,
  type OpenLot,
  redoLot,
  takeLot,
  takenLot,
  whenLotCosts,
} from '@millrace/sdk'
import { type Address, isAddressEqual } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import { creditOf } from '../credit/creditOf.ts'
import { LotMissingError, LotOverError, LotTooDearError } from '../credit/errors.ts'
import { allowModule } from '../credit/findPool.ts'
import { listedPools } from '../credit/listedPools.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { addressOf } from './walletActions.ts'

export interface TakeFlags extends GlobalFlags {
  readonly max: string
  readonly to?: string
}

/** A lot for people and programs: what it costs, where it is in its run, and in which currency. */
interface ShownLot extends OpenLot {
  /** Unix seconds at which the run is over. */
  readonly endsAt: number
  readonly isOver: boolean
  readonly currency: Currency
}

/** Open lots of the pools that the till has listed: whoever else sells through the auction need not deliver. */
async function readLots(connection: Connection): Promise<readonly ShownLot[]> {
  const { client, deployment } = connection
  const sellers = (await listedPools(connection)).map(({ facility }) => facility)
  const [lots, now] = await Promise.all([findLots(client, { deployment, sellers }), chainTime(connection)])
  return Promise.all(
    lots.map(async (lot) => {
      const asset = await findAsset(connection, String(lot.asset))
      const endsAt = lotEnd(lot)
      const currency = await connection.currencyOf(asset.currency)
      return { ...lot, endsAt, isOver: now >= endsAt, currency }
    }),
  )
}

/**
 * The lot of an asset.
 *
 * @throws LotMissingError
 */
async function findLot(connection: Connection, id: string): Promise<ShownLot> {
  const { id: asset } = await findAsset(connection, id)
  const lot = (await readLots(connection)).find((one) => one.asset === asset)
  if (lot === undefined) throw new LotMissingError({ asset })
  return lot
}

const date = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19)
const inJson = ({ currency, ...lot }: ShownLot) => ({ ...lot, currency: currency.symbol })

export async function listLots(flags: GlobalFlags): Promise<void> {
  const lots = await readLots(await connect(flags))
  createOutput(flags.json === true).result(
    { lots: lots.map(inJson) },
    lots.length === 0
      ? 'Nothing is in the auction.'
      : formatTable<ShownLot>(
          [
            { head: 'ASSET', of: ({ asset }) => String(asset) },
            {
              head: 'PRICE',
              of: ({ isOver, price, currency }) => (isOver ? 'over' : formatAmount(price, currency)),
              align: 'right',
            },
            {
              head: 'STARTED AT',
              of: ({ startPrice, currency }) => formatAmount(startPrice, currency),
              align: 'right',
            },
            { head: 'HALVES IN', of: ({ halfLife }) => formatDuration(halfLife), align: 'right' },
            { head: 'OVER AT', of: ({ endsAt }) => date(endsAt) },
            { head: 'RUN', of: ({ runs }) => String(runs), align: 'right' },
            { head: 'POOL', of: ({ seller }) => seller },
          ],
          lots,
        ),
  )
}

/** How the price of a lot falls from now on: each half of a half-life until its end. */
export async function showLot(id: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const lot = await findLot(connection, id)
  const now = await chainTime(connection)
  const step = Math.max(1, Math.floor(lot.halfLife / 2))
  const times = lot.isOver
    ? []
    : [now, ...Array.from({ length: 8 }, (_, at) => now + (at + 1) * step), lot.endsAt - 1]
  const ahead = [...new Set(times)].filter((time) => time < lot.endsAt).sort((a, b) => a - b)
  // The chain's own answer for now: its last block may be older than the state that it answers for.
  const prices = ahead.map((time) => ({ time, price: time === now ? lot.price : lotPrice(lot, time) }))
  const { currency } = lot
  createOutput(flags.json === true).result(
    { ...inJson(lot), prices },
    [
      `Asset ${lot.asset}, sold by pool ${lot.seller} with all that it earns from then on`,
      `Run ${lot.runs} began ${date(lot.startedAt)} at ${formatAmount(lot.startPrice, currency)}; the price halves in ${formatDuration(lot.halfLife)}.`,
      ...(lot.isOver
        ? [`It is over since ${date(lot.endsAt)}. Start it again: millrace auction restart ${lot.asset}`]
        : [
            formatTable<{ readonly time: number; readonly price: bigint }>(
              [
                { head: 'IN', of: ({ time }) => (time === now ? 'now' : formatDuration(time - now)) },
                { head: 'AT', of: ({ time }) => date(time) },
                { head: 'PRICE', of: ({ price }) => formatAmount(price, currency), align: 'right' },
              ],
              prices,
            ),
            `Take it: millrace auction take ${lot.asset} --max <amount>`,
          ]),
    ].join('\n'),
  )
}

/**
 * Takes a lot at the price of the second in which the chain gets to it, which is never above the price now.
 *
 * @throws LotMissingError, LotOverError, LotTooDearError
 */
export async function take(id: string, flags: TakeFlags): Promise<void> {
  const connection = await connect(flags)
  const { deployment } = connection
  const lot = await findLot(connection, id)
  const { asset, seller, currency, price } = lot
  const maxPrice = parseAmount(flags.max, currency)
  if (lot.isOver) throw new LotOverError({ asset, endedAt: date(lot.endsAt) })
  if (price > maxPrice) {
    const time = whenLotCosts(lot, maxPrice)
    throw new LotTooDearError({
      ...{ asset, price: formatAmount(price, currency), maxPrice: formatAmount(maxPrice, currency) },
      reachedAt: time === null ? null : date(time),
    })
  }
  const buyer = await openAccount(connection, flags)
  const to: Address = flags.to === undefined ? buyer.account.address : addressOf(flags.to)
  await depositShortfall(connection, { buyer, currency, needed: price })
  await allowModule(connection, buyer, creditOf(connection).auction)
  const transaction = await takeLot(buyer.client, { deployment, seller, asset, maxPrice: price, to })
  const paid = takenLot(await confirm(buyer.client, transaction))?.price ?? price
  createOutput(flags.json === true).result(
    { asset, pool: seller, to, paid, maxPrice, currency: currency.symbol, transaction },
    [
      `Asset ${asset} is ${isAddressEqual(to, buyer.account.address) ? 'yours' : `owned by ${to}`}, for ${formatAmount(paid, currency)}.`,
      `What it earns from now on is its owner's (millrace till show ${asset}); who runs it is still the old operator until you name one: millrace asset set-operator ${asset} <wallet>`,
    ].join('\n'),
  )
}

export async function restart(id: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { client, deployment } = connection
  const { asset, seller, currency } = await findLot(connection, id)
  const sender = await openAccount(connection, flags)
  const transaction = await redoLot(sender.client, { deployment, seller, asset })
  await confirm(sender.client, transaction)
  const [lot] = (await findLots(client, { deployment, sellers: [seller] })).filter(
    (one) => one.asset === asset,
  )
  createOutput(flags.json === true).result(
    { asset, pool: seller, lot: lot ?? null, transaction },
    lot === undefined
      ? `There is nothing to sell any more: the lot of asset ${asset} is closed.`
      : `Run ${lot.runs} of asset ${asset} began at ${formatAmount(lot.startPrice, currency)}.`,
  )
}
