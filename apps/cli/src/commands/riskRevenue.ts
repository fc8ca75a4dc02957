import { firstBlockAt, readLogs, tillAbi, timesOf } from '@millrace/sdk'
import { formatUnits, parseEventLogs } from 'viem'
import { getBlockNumber } from 'viem/actions'
import { connect } from '../connection/connect.ts'
import { chainTime } from '../credit/chainTime.ts'
import { UsageError } from '../errors/input.ts'
import { createOutput } from '../output/output.ts'
import { readNumber } from './appraiseActions.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'

export interface RevenueFlags extends GlobalFlags {
  readonly months: string
}

/** What each asset's till was paid in each month of the calendar (UTC). */
export async function revenue(ids: readonly string[], flags: RevenueFlags): Promise<void> {
  const count = readNumber(flags.months, '--months', 240)
  if (count === 0)
    throw new UsageError({ message: '0 months are none to look at.', remedy: 'Give --months from 1 to 240.' })
  const connection = await connect(flags)
  const { client, deployment } = connection
  const assets = await Promise.all(ids.map((id) => findAsset(connection, id)))
  const [first, ...others] = assets
  if (others.some(({ currency }) => currency !== first?.currency))
    throw new UsageError({
      message: 'The assets are paid in different currencies.',
      remedy: 'Ask for those of one currency at a time.',
    })
  const { decimals, symbol } = await connection.currencyOf(first?.currency ?? '0x')
  const now = new Date((await chainTime(connection)) * 1000)
  const months = Array.from({ length: count }, (_, at) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - count + 1 + at)).toISOString().slice(0, 7),
  )
  const fromBlock = await firstBlockAt(client, Date.parse(`${months[0]}-01T00:00:00Z`) / 1000)
  const toBlock = await getBlockNumber(client, { cacheTime: 0 })
  const logs = parseEventLogs({
    abi: tillAbi,
    eventName: 'Paid',
    logs: [...(await readLogs(client, { address: [deployment.till], fromBlock, toBlock }))],
  })
  const ours = logs.filter(({ args }) => assets.some(({ id }) => id === args.asset))
  const times = await timesOf(
    client,
    ours.map(({ blockNumber }) => blockNumber),
  )
  const paid = new Map<string, bigint>()
  for (const { args, blockNumber } of ours) {
    const month = new Date((times.get(blockNumber) ?? 0) * 1000).toISOString().slice(0, 7)
    const key = `${month} ${args.asset}`
    paid.set(key, (paid.get(key) ?? 0n) + args.amount)
  }
  const rows = months.map((month) => ({
    month,
    amounts: assets.map(({ id }) => paid.get(`${month} ${id}`) ?? 0n),
  }))
  createOutput(flags.json === true).result(
    { assets: assets.map(({ id }) => id), currency: symbol, months: rows },
    [
      ['month', ...assets.map(({ id }) => `asset ${id}`)].join(','),
      ...rows.map(({ month, amounts }) =>
        [month, ...amounts.map((amount) => formatUnits(amount, decimals))].join(','),
      ),
    ].join('\n'),
  )
}
