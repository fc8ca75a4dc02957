import { getLease, type Lease } from '@millrace/sdk'
import { type Connection, connect } from '../connection/connect.ts'
import { homePaths } from '../home/homePaths.ts'
import { settlementOf } from '../jobs/closeLease.ts'
import { listOrders, type OrderState, offerOf, shortLease } from '../jobs/order.ts'
import { formatAmount } from '../output/amounts.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import type { GlobalFlags } from './flags.ts'

export interface PsFlags extends GlobalFlags {
  readonly all?: boolean
}

interface Row {
  readonly order: OrderState
  readonly lease: Lease | null
  readonly state: string
  readonly paid: bigint
}

/** Orders of this home with what the chain says of them. The chain is right where the two differ. */
export async function runPs(flags: PsFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const paths = homePaths()
  const orders = listOrders(paths)
  const connections = new Map<string, Connection | null>()
  for (const network of new Set(orders.map(({ terms }) => terms.network))) {
    const connection = await connect({ ...flags, network }).catch((error: unknown) => {
      output.note(`network '${network}': ${error instanceof Error ? error.message : String(error)}`)
      return null
    })
    connections.set(network, connection)
  }
  const now = Math.floor(Date.now() / 1000)
  const rows = await Promise.all(
    orders.map(async (order): Promise<Row> => {
      const connection = connections.get(order.terms.network) ?? null
      const lease =
        connection === null
          ? null
          : await getLease(connection.client, {
              deployment: connection.deployment,
              lease: order.terms.lease,
            }).catch(() => null)
      return { order, lease, state: stateOf(order, lease, now), paid: paidOf(lease, now) }
    }),
  )
  const shown = flags.all === true ? rows : rows.filter(({ state }) => !overStates.includes(state))
  const json = shown.map(({ order, lease, state, paid }) => ({
    lease: order.terms.lease,
    name: order.terms.job.name,
    state,
    asset: offerOf(order.terms).offer.asset,
    pricePerHour: offerOf(order.terms).offer.pricePerHour,
    currency: order.terms.currency.symbol,
    paid,
    deposit: order.maxCost,
    startedAt: lease === null || lease.startedAt === 0 ? null : lease.startedAt,
    endsAt: lease === null || lease.endsAt === 0 ? null : lease.endsAt,
    exitCode: order.ended?.exitCode ?? null,
    receipt: order.receipt?.path ?? null,
    orderedAt: order.terms.at,
  }))
  const right = { align: 'right' } as const
  const table = formatTable<Row>(
    [
      { head: 'LEASE', of: ({ order }) => shortLease(order.terms.lease) },
      { head: 'NAME', of: ({ order }) => order.terms.job.name },
      { head: 'STATE', of: ({ state }) => state },
      { head: 'ASSET', of: ({ order }) => String(offerOf(order.terms).offer.asset), ...right },
      { head: 'TIME', of: ({ lease }) => timeOf(lease, now), ...right },
      { head: 'LEFT', of: ({ lease, state }) => leftOf(lease, state, now), ...right },
      { head: 'PAID', of: ({ paid, order }) => formatAmount(paid, order.terms.currency), ...right },
      { head: 'EXIT', of: ({ order }) => String(order.ended?.exitCode ?? '-'), ...right },
      {
        head: 'ORDERED',
        of: ({ order }) => `${formatDuration(Math.max(0, now - order.terms.at))} ago`,
        ...right,
      },
    ],
    shown,
  )
  const hidden = rows.length - shown.length
  const hint = hidden === 0 ? '' : ` ${hidden} that ${hidden === 1 ? 'is' : 'are'} over: millrace ps --all`
  output.result({ leases: json }, shown.length === 0 ? `No lease is running.${hint}` : table)
}

const overStates = ['settled', 'abandoned', 'planned', 'not opened']

function stateOf(order: OrderState, lease: Lease | null, now: number): string {
  if (order.abandoned !== null) return 'abandoned'
  if (lease === null) return order.opening ? 'not opened' : 'planned'
  if (lease.state === 'running' && now >= lease.endsAt) return 'ran out'
  if (lease.state === 'running' && order.ended !== null) return `job ${order.ended.state}`
  return lease.state
}

function paidOf(lease: Lease | null, now: number): bigint {
  if (lease === null || lease.startedAt === 0) return 0n
  const stoppedAt =
    lease.stoppedAt === 0 ? Math.max(lease.startedAt, Math.min(now, lease.endsAt)) : lease.stoppedAt
  return settlementOf({ ...lease, stoppedAt }).earned
}

function timeOf(lease: Lease | null, now: number): string {
  if (lease === null || lease.startedAt === 0) return '-'
  const end = lease.stoppedAt === 0 ? Math.min(now, lease.endsAt) : lease.stoppedAt
  return formatDuration(Math.max(0, end - lease.startedAt))
}

const leftOf = (lease: Lease | null, state: string, now: number) =>
  lease === null || overStates.includes(state) || lease.state !== 'running'
    ? '-'
    : formatDuration(Math.max(0, lease.endsAt - now))
