import { type Address, formatUnits, type Log, parseEventLogs } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { StatementUnbalancedError } from '../errors/statements.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { tillAbi } from '../generated/till.ts'
import { read } from '../transactions/read.ts'
import { readLogs } from '../transactions/readLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import { balance, type Statement, type StatementLine, zeros } from './statement.ts'
import { timesOf } from './timesOf.ts'

const columns = ['revenue', 'fee', 'upstream', 'costs', 'debt', 'shares', 'owner', 'unsplit'] as const
const layers = ['fee', 'upstream', 'costs', 'debt', 'shares', 'owner'] as const

/** What moved in an asset's till. `unsplit` is a balance, the rest is what flowed. */
export type AssetStatementColumn = (typeof columns)[number]

/**
 * What an asset's till collected in a period and who got it. `unsplit` is what it holds: the bucket, and what waits for the debt
 * module's answer; the chain knows it at both ends. Where several facilities stand on the asset each line says what which of them got,
 * which must be all that went to debt.
 *
 * @param client A viem client of a chain that keeps old state.
 * @param parameters Deployment, asset, decimals of its currency, first and last block.
 * @returns The statement; amounts in base units.
 * @throws StatementUnbalancedError, ChainUnreachableError.
 * @example
 * const { lines, closing } = await getAssetStatement(client, { deployment, asset, decimals: 6, fromBlock: 0n, toBlock: 100n })
 */
export async function getAssetStatement(
  client: ReadClient,
  parameters: {
    readonly deployment: Deployment
    readonly asset: bigint
    readonly decimals: number
    readonly fromBlock: bigint
    readonly toBlock: bigint
  },
): Promise<Statement<AssetStatementColumn>> {
  const { deployment, asset, decimals, fromBlock, toBlock } = parameters
  const till = { address: deployment.till, abi: tillAbi, args: [asset] } as const
  const unsplitAt = async (blockNumber: bigint) => {
    const [[, bucket], held] = await Promise.all([
      read(client, { ...till, functionName: 'bucketOf', blockNumber }),
      read(client, { ...till, functionName: 'heldOf', blockNumber }),
    ])
    return bucket + held
  }
  const ranks = deployment.credit?.ranks
  const address = ranks === undefined ? [deployment.till] : [deployment.till, ranks]
  const found = await readLogs(client, { address, fromBlock, toBlock })
  const collected = collectedBefore(found, asset)
  const all = parseEventLogs({ abi: tillAbi, logs: [...found] })
  const logs = all.filter(({ args }) => 'asset' in args && args.asset === asset)
  const times = await timesOf(
    client,
    logs.map(({ blockNumber }) => blockNumber),
  )
  const lines = logs.flatMap((log): StatementLine<AssetStatementColumn>[] => {
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
    const parts = split.debt === 0n ? [] : collected(log)
    const what = `epoch ${split.epoch} split${parts.map((part) => `, ${formatUnits(part.amount, decimals)} to ${part.facility}`).join('')}`
    const told = parts.reduce((total, { amount }) => total + amount, 0n)
    if (parts.length > 0 && told !== split.debt)
      throw new StatementUnbalancedError({
        what: `debt of ${what} of asset ${asset}`,
        statement: told,
        chain: split.debt,
      })
    return [{ ...place, what, moved }]
  })
  const opening = { ...zeros(columns), unsplit: fromBlock === 0n ? 0n : await unsplitAt(fromBlock - 1n) }
  const sized = Object.fromEntries(columns.map((column) => [column, decimals])) as Record<
    AssetStatementColumn,
    number
  >
  return balance(
    { of: `asset ${asset}`, fromBlock, toBlock, columns, opening, lines, decimals: sized },
    { unsplit: await unsplitAt(toBlock) },
  )
}

interface Collected {
  readonly facility: Address
  readonly amount: bigint
}

/** What the ranks collected for whom, by the settlement that it was collected in: the next one of the asset after it. */
function collectedBefore(
  logs: readonly Log<bigint, number, false>[],
  asset: bigint,
): (settled: Log<bigint, number, false>) => readonly Collected[] {
  const events = parseEventLogs({ abi: [...ranksAbi, ...tillAbi], logs: [...logs] })
  const parts = new Map<string, Collected[]>()
  const keyOf = (log: { readonly blockNumber: bigint; readonly logIndex: number }) =>
    `${log.blockNumber}-${log.logIndex}`
  let open: Collected[] = []
  for (const event of events) {
    if (event.eventName === 'Collected' && event.args.asset === asset) {
      const { facility, amount } = event.args
      open.push({ facility, amount })
    }
    if (event.eventName !== 'Settled' || event.args.asset !== asset) continue
    parts.set(keyOf(event), open)
    open = []
  }
  return (settled) => parts.get(keyOf(settled)) ?? []
}
