import { type Address, erc20Abi, isAddressEqual } from 'viem'
import { type FacilityLine, virtualShares } from '../credit/facility.ts'
import type { FacilityEvent } from '../credit/facilityEvent.ts'
import { getFacility } from '../credit/getFacility.ts'
import { getRedeemRequest } from '../credit/getRedeemRequest.ts'
import { readFacilityEvents } from '../credit/readFacilityEvents.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { FacilityPeriod } from './facilityPeriod.ts'
import { balance, type Statement, zeros } from './statement.ts'
import { timesOf } from './timesOf.ts'

const columns = [
  ...(['paid in', 'taken out'] as const),
  ...(['senior shares', 'senior in queue', 'junior shares', 'junior in queue'] as const),
] as const

/** What moved for a lender. Shares are balances, the first two are what flowed. */
export type LenderStatementColumn = (typeof columns)[number]

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
 * @param client A viem client of a chain that keeps old state.
 * @param parameters Deployment, facility, when it was created, the account, first and last block.
 * @returns The statement, amounts and shares in base units, with the value at both ends.
 * @throws StatementUnbalancedError, CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lent = await getFacility(client, { facility })
 * const { value } = await getLenderStatement(client, { deployment, facility: lent, account: owner, createdIn: 0n, fromBlock: 0n, toBlock: 100n })
 */
export async function getLenderStatement(
  client: ReadClient,
  parameters: FacilityPeriod & { readonly account: Address },
): Promise<Statement<LenderStatementColumn> & { readonly value: LenderValue }> {
  const { deployment, facility, account, createdIn, toBlock } = parameters
  const fromBlock = parameters.fromBlock > createdIn ? parameters.fromBlock : createdIn
  const events = await readFacilityEvents(client, { deployment, facility, fromBlock, toBlock })
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
  const before = fromBlock > createdIn ? await standingAt(client, parameters, fromBlock - 1n) : null
  const after = await standingAt(client, parameters, toBlock)
  const shareDecimals = facility.lines.senior.decimals
  const sized = Object.fromEntries(
    columns.map((column) => [
      column,
      // A share has six decimals more than the currency.
      column === 'paid in' || column === 'taken out' ? shareDecimals - 6 : shareDecimals,
    ]),
  ) as Record<LenderStatementColumn, number>
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
  client: ReadClient,
  { facility, account }: FacilityPeriod & { readonly account: Address },
  blockNumber: bigint,
) {
  const { lines } = await getFacility(client, { facility: facility.facility, blockNumber })
  const of = async (line: FacilityLine) => {
    const { vault, conservative, shares: supply } = lines[line]
    const [held, queued] = await Promise.all([
      read(client, {
        ...{ address: vault, abi: erc20Abi, functionName: 'balanceOf', args: [account], blockNumber },
      } as const),
      getRedeemRequest(client, { vault, controller: account, blockNumber }),
    ])
    // As the vault itself converts, shares that nobody has included.
    const waiting = ((held + queued.pending) * (conservative + 1n)) / (supply + virtualShares)
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
