import { createLedger, createRevenueExaminer, type Finding, type Transfer } from '@millrace/risk/fraud'
import { type Asset, firstBlockAt, getTill, readLogs, type Till, tillAbi, timesOf } from '@millrace/sdk'
import { type Address, erc20Abi, isAddressEqual, type Log, parseEventLogs, zeroAddress } from 'viem'
import { getBlockNumber } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { Currency } from '../output/amounts.ts'

/** Seconds before the period in which money is followed. */
const lookback = 30 * 86_400

/** What one payer paid. */
export interface Payer {
  readonly payer: Address
  /** Which of our contracts it is, if one. */
  readonly contract: 'leases' | 'channels' | null
  readonly payments: number
  /** Base units. */
  readonly amount: bigint
  /** Unix seconds. */
  readonly first: number
  readonly last: number
  /** Whether it is the owner, the operator, or the borrower. */
  readonly isRelated: boolean
}

/** What the chain knows of an asset's revenue. Amounts in base units. */
export interface Evidence {
  readonly asset: bigint
  readonly revenue: bigint
  /** Largest first. */
  readonly payers: readonly Payer[]
  readonly trailingRevenue: bigint
  /** Revenue less what the operator can have paid itself, in the period. */
  readonly adjusted: bigint
  readonly findings: readonly Finding[]
  /** What is paid before debt. */
  readonly above: Pick<Till['terms'], 'costsPerDay' | 'costsCap' | 'upstream'>
}

/**
 * Reads from the chain who paid an asset since a time, and follows the money of owner, operator and borrower through the till and the
 * currency's transfers for signs that they paid themselves.
 */
export async function readEvidence(
  { client, deployment }: Connection,
  of: {
    readonly asset: Asset
    readonly currency: Currency
    readonly borrower: Address
    readonly from: number
    readonly to: number
  },
): Promise<Evidence> {
  const { asset, currency, borrower, from, to } = of
  const toBlock = await getBlockNumber(client, { cacheTime: 0 })
  const fromBlock = await firstBlockAt(client, from - lookback)
  const address = [deployment.till, currency.address]
  const [logs, till] = await Promise.all([
    readLogs(client, { address, fromBlock, toBlock }),
    getTill(client, { deployment, asset: asset.id }),
  ])
  const times = await timesOf(
    client,
    logs.map(({ blockNumber }) => blockNumber),
  )
  const related = [asset.owner, asset.operator, borrower]
  const transfers = logs.flatMap((log) =>
    transfersOf(log, { asset, till: deployment.till, currency, time: times.get(log.blockNumber) ?? 0 }),
  )
  const ledger = createLedger(currency.decimals > 6 ? 10n ** BigInt(currency.decimals - 6) : 1n)
  ledger.add(transfers)
  const report = createRevenueExaminer(ledger).examine({
    asset: assetName(asset.id),
    related: [...new Set(related.map(accountName))],
    from,
    to: to + 1,
  })
  const payments = transfers.filter(
    (transfer) => transfer.to === assetName(asset.id) && transfer.time >= from,
  )
  return {
    asset: asset.id,
    revenue: payments.reduce((sum, { amount }) => sum + amount, 0n),
    payers: payersOf(payments, { related, market: deployment.market, channels: deployment.channels }),
    trailingRevenue: till.trailingRevenue,
    adjusted: report.adjusted,
    findings: report.findings,
    above: till.terms,
  }
}

const assetName = (id: bigint) => `asset ${id}`
const accountName = (account: Address) => account.toLowerCase()

/** What moved from whom to whom: between accounts and wallets, into assets, and out of the asset that is looked at. */
function transfersOf(
  log: Log<bigint, number, false>,
  of: { readonly asset: Asset; readonly till: Address; readonly currency: Currency; readonly time: number },
): readonly Transfer[] {
  const { asset, till, currency, time } = of
  const id = `${log.transactionHash}:${log.logIndex}`
  const move = (from: string, to: string, amount: bigint): readonly Transfer[] =>
    amount === 0n || from === to ? [] : [{ id, time, from, to, amount }]
  if (isAddressEqual(log.address, currency.address)) {
    const [event] = parseEventLogs({ abi: erc20Abi, eventName: 'Transfer', logs: [log] })
    if (event === undefined) return []
    const { from, to, value } = event.args
    // Deposits and withdrawals are told by the till; what is minted comes from nobody.
    const isElsewhere = [from, to].some((side) => isAddressEqual(side, till) || side === zeroAddress)
    return isElsewhere ? [] : move(accountName(from), accountName(to), value)
  }
  const [event] = parseEventLogs({ abi: tillAbi, logs: [log] })
  const isOurs = (token: Address) => isAddressEqual(token, currency.address)
  switch (event?.eventName) {
    case 'Deposited':
    case 'Withdrawn': {
      const { token, from, to, amount } = event.args
      return isOurs(token) ? move(accountName(from), accountName(to), amount) : []
    }
    case 'Transfer': {
      const { sender, receiver, id: token, amount } = event.args
      const isBooking = sender === zeroAddress || receiver === zeroAddress
      return isBooking || token !== BigInt(currency.address)
        ? []
        : move(accountName(sender), accountName(receiver), amount)
    }
    case 'Paid':
      return move(accountName(event.args.payer), assetName(event.args.asset), event.args.amount)
    case 'Settled': {
      const { costs, owner } = event.args
      if (event.args.asset !== asset.id) return []
      return [
        ...move(assetName(asset.id), accountName(asset.operator), costs),
        ...move(assetName(asset.id), accountName(asset.owner), owner),
      ]
    }
    default:
      return []
  }
}

function payersOf(
  payments: readonly Transfer[],
  of: { readonly related: readonly Address[]; readonly market: Address; readonly channels: Address },
): readonly Payer[] {
  const payers = new Map<string, Payer>()
  for (const { from, amount, time } of payments) {
    const payer = from as Address
    const before = payers.get(from)
    payers.set(from, {
      payer,
      contract: isAddressEqual(payer, of.market)
        ? 'leases'
        : isAddressEqual(payer, of.channels)
          ? 'channels'
          : null,
      payments: (before?.payments ?? 0) + 1,
      amount: (before?.amount ?? 0n) + amount,
      first: before?.first ?? time,
      last: time,
      isRelated: of.related.some((account) => isAddressEqual(account, payer)),
    })
  }
  return [...payers.values()].sort((a, b) => (a.amount > b.amount ? -1 : 1))
}
