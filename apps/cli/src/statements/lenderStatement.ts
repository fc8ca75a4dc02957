import {
  type Facility,
  type FacilityEvent,
  type FacilityLine,
  getFacility,
  getRedeemRequest,
  readFacilityEvents,
} from '@millrace/sdk'
import { type Address, erc20Abi, isAddressEqual } from 'viem'
import { readContract } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import { timesOf } from '../credit/blocks.ts'
import { balance, type Statement, zeros } from './statement.ts'

const columns = [
  ...(['paid in', 'taken out'] as const),
  ...(['senior shares', 'senior in queue', 'junior shares', 'junior in queue'] as const),
] as const
type Column = (typeof columns)[number]

/** What a lender's shares are worth, if it left at that block. Base units. */
export interface LenderValue {
  readonly opening: bigint
  readonly closing: bigint
  /** Closing and taken out, less opening and paid in. */
  readonly gain: bigint
}

/**
 * What an account did in a facility in a period: money in and out, shares of both lines, and shares in their queues, which the chain knows
 * at both ends; and what all of it was worth at the price at which one leaves.
 *
 * @throws StatementUnbalancedError, ChainUnreachableError
 */
export async function lenderStatement(
  connection: Connection,
  of: {
    readonly pool: Facility
    readonly account: Address
    readonly decimals: number
    /** Block in which the facility was created. */
    readonly createdIn: bigint
    readonly fromBlock: bigint
    readonly toBlock: bigint
  },
): Promise<Statement<Column> & { readonly value: LenderValue }> {
  const { client, deployment } = connection
  const { pool, account, decimals, createdIn, toBlock } = of
  const fromBlock = of.fromBlock > createdIn ? of.fromBlock : createdIn
  const events = await readFacilityEvents(client, { deployment, facility: pool, fromBlock, toBlock })
  const times = await timesOf(
    client,
    events.map(({ blockNumber }) => blockNumber),
  )
  const lines = events.flatMap((event) => {
    const found = movedBy(event, account)
    if (found === null) return []
    const { blockNumber: block, transaction } = event
    return [{ ...found, block, transaction, time: times.get(block) ?? 0 }]
  })
  const before = fromBlock > createdIn ? await standingAt(connection, of, fromBlock - 1n) : null
  const after = await standingAt(connection, of, toBlock)
  const shareDecimals = pool.lines.senior.decimals
  const sized = Object.fromEntries(
    columns.map((column) => [
      column,
      column === 'paid in' || column === 'taken out' ? decimals : shareDecimals,
    ]),
  ) as Record<Column, number>
  const opening = { ...zeros(columns), ...before?.shares }
  const statement = balance(
    { of: `lender ${account}`, fromBlock, toBlock, columns, opening, lines, decimals: sized },
    after.shares,
  )
  const [open, close] = [before?.worth ?? 0n, after.worth]
  const gain = close + statement.closing['taken out'] - open - statement.closing['paid in']
  return { ...statement, value: { opening: open, closing: close, gain } }
}

/** What an event moved for an account; `null` if nothing. */
function movedBy(event: FacilityEvent, account: Address) {
  const is = (other: Address) => isAddressEqual(other, account)
  const moved = zeros(columns)
  if (event.type === 'deposited' && is(event.owner)) {
    moved['paid in'] = event.assets
    moved[`${event.line} shares`] = event.shares
    return { what: `lent to ${event.line}`, moved }
  }
  if (event.type === 'redeemRequested' && (is(event.owner) || is(event.controller))) {
    if (is(event.owner)) moved[`${event.line} shares`] -= event.shares
    if (is(event.controller)) moved[`${event.line} in queue`] += event.shares
    return { what: `asked to leave ${event.line}`, moved }
  }
  if (event.type === 'claimed' && is(event.controller)) {
    moved['taken out'] = event.assets
    moved[`${event.line} in queue`] = -event.shares
    return { what: `claimed from ${event.line}`, moved }
  }
  if (event.type === 'transferred' && (is(event.from) || is(event.to))) {
    if (is(event.from)) moved[`${event.line} shares`] -= event.shares
    if (is(event.to)) moved[`${event.line} shares`] += event.shares
    return { what: `shares of ${event.line} ${is(event.from) ? 'given' : 'received'}`, moved }
  }
  return null
}

/** Shares and what they would bring, at a block. */
async function standingAt(
  { client }: Connection,
  { pool, account }: { readonly pool: Facility; readonly account: Address },
  blockNumber: bigint,
) {
  const { lines } = await getFacility(client, { facility: pool.facility, blockNumber })
  const of = async (line: FacilityLine) => {
    const { vault, conservative, shares: supply } = lines[line]
    const [held, queued] = await Promise.all([
      readContract(client, {
        ...{ address: vault, abi: erc20Abi, functionName: 'balanceOf', args: [account], blockNumber },
      } as const),
      getRedeemRequest(client, { vault, controller: account, blockNumber }),
    ])
    // As the vault itself converts, shares that nobody has included.
    const waiting = ((held + queued.pending) * (conservative + 1n)) / (supply + 1_000_000n)
    return { held, inQueue: queued.pending + queued.claimable, worth: waiting + queued.assets }
  }
  const [senior, junior] = await Promise.all([of('senior'), of('junior')])
  return {
    shares: {
      'senior shares': senior.held,
      'senior in queue': senior.inQueue,
      'junior shares': junior.held,
      'junior in queue': junior.inQueue,
    },
    worth: senior.worth + junior.worth,
  }
}
