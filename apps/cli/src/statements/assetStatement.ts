import { readLogs, tillAbi } from '@millrace/sdk'
import { parseEventLogs } from 'viem'
import { readContract } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import { timesOf } from '../credit/blocks.ts'
import { balance, type Statement, type StatementLine, zeros } from './statement.ts'

const columns = ['revenue', 'fee', 'upstream', 'costs', 'debt', 'shares', 'owner', 'unsplit'] as const
const layers = ['fee', 'upstream', 'costs', 'debt', 'shares', 'owner'] as const
type Column = (typeof columns)[number]

/**
 * What an asset's till collected in a period and who got it. `unsplit` is what it holds: the bucket, and what waits for the debt
 * module's answer; the chain knows it at both ends.
 *
 * @throws StatementUnbalancedError, ChainUnreachableError
 */
export async function assetStatement(
  { client, deployment }: Connection,
  of: {
    readonly asset: bigint
    readonly decimals: number
    readonly fromBlock: bigint
    readonly toBlock: bigint
  },
): Promise<Statement<Column>> {
  const { asset, decimals, fromBlock, toBlock } = of
  const till = { address: deployment.till, abi: tillAbi, args: [asset] } as const
  const unsplitAt = async (blockNumber: bigint) => {
    const [[, bucket], held] = await Promise.all([
      readContract(client, { ...till, functionName: 'bucketOf', blockNumber }),
      readContract(client, { ...till, functionName: 'heldOf', blockNumber }),
    ])
    return bucket + held
  }
  const range = { address: [deployment.till], fromBlock, toBlock }
  const all = parseEventLogs({ abi: tillAbi, logs: [...(await readLogs(client, range))] })
  const logs = all.filter(({ args }) => 'asset' in args && args.asset === asset)
  const times = await timesOf(
    client,
    logs.map(({ blockNumber }) => blockNumber),
  )
  const lines = logs.flatMap((log): StatementLine<Column>[] => {
    const place = {
      time: times.get(log.blockNumber) ?? 0,
      block: log.blockNumber,
      transaction: log.transactionHash,
    }
    const none = zeros(columns)
    if (log.eventName === 'Paid') {
      const { amount, payer } = log.args
      return [{ ...place, what: `paid by ${payer}`, moved: { ...none, revenue: amount, unsplit: amount } }]
    }
    if (log.eventName === 'RoyaltyPulled') {
      const { amount } = log.args
      return [{ ...place, what: 'royalties', moved: { ...none, revenue: amount, unsplit: amount } }]
    }
    if (log.eventName !== 'Settled') return []
    const split = log.args
    const sum = layers.reduce((total, layer) => total + split[layer], 0n)
    if (sum === 0n) return []
    const moved = { ...none, unsplit: -sum }
    for (const layer of layers) moved[layer] = split[layer]
    return [{ ...place, what: `epoch ${split.epoch} split`, moved }]
  })
  const opening = { ...zeros(columns), unsplit: fromBlock === 0n ? 0n : await unsplitAt(fromBlock - 1n) }
  const sized = Object.fromEntries(columns.map((column) => [column, decimals])) as Record<Column, number>
  return balance(
    { of: `asset ${asset}`, fromBlock, toBlock, columns, opening, lines, decimals: sized },
    { unsplit: await unsplitAt(toBlock) },
  )
}
