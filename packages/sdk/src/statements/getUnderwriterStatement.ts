import { type Address, type Hash, isAddressEqual } from 'viem'
import type { FacilityEvent } from '../credit/facilityEvent.ts'
import { getFreeStake } from '../credit/getFreeStake.ts'
import { getLoan } from '../credit/getLoan.ts'
import { readFacilityEvents } from '../credit/readFacilityEvents.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { FacilityPeriod } from './facilityPeriod.ts'
import { balance, type Statement, type StatementLine, zeros } from './statement.ts'
import { timesOf } from './timesOf.ts'

const columns = [
  ...(['put in', 'taken out', 'premiums', 'bounties', 'lost'] as const),
  ...(['free stake', 'locked stake'] as const),
] as const

/** What moved for an underwriter. Free and locked stake are balances, the rest is what flowed. */
export type UnderwriterStatementColumn = (typeof columns)[number]

/** What an underwriter's stake did in a period, in base units. */
export interface UnderwriterTotals {
  /** Moved under loans. */
  readonly locked: bigint
  /** Moved from under loans that needed less or were over. */
  readonly released: bigint
  /** Paid back by loans that were written off; what is lost is less by it. */
  readonly recovered: bigint
  /** Premiums and what came back, less bounties and losses. */
  readonly gain: bigint
}

/**
 * What an underwriter's stake did in a facility in a period: money in and out, stake locked under loans and released from them, premiums
 * out of their interest, bounties and losses. The chain knows the free stake, and the stake under each loan, at both ends; what lies between
 * is computed from the events, so that a premium or a loss that is off by one unit is found.
 *
 * @param client A viem client of a chain that keeps old state.
 * @param parameters Deployment, facility, when it was created, the underwriter, first and last block.
 * @returns The statement, and sums of what moved; amounts in base units.
 * @throws StatementUnbalancedError, CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lent = await getFacility(client, { facility })
 * const { closing, totals } = await getUnderwriterStatement(client, { deployment, facility: lent, account: owner, createdIn: 0n, fromBlock: 0n, toBlock: 100n })
 */
export async function getUnderwriterStatement(
  client: ReadClient,
  parameters: FacilityPeriod & { readonly account: Address },
): Promise<Statement<UnderwriterStatementColumn> & { readonly totals: UnderwriterTotals }> {
  const { account, facility, createdIn, toBlock } = parameters
  const fromBlock = parameters.fromBlock > createdIn ? parameters.fromBlock : createdIn
  // From the beginning: a loan says only when it is opened who stands behind it.
  const events = await readFacilityEvents(client, { ...parameters, fromBlock: createdIn })
  const backed = new Map<Hash, number>()
  for (const event of events)
    if (event.type === 'loanOpened' && isAddressEqual(event.terms.underwriter, account))
      backed.set(event.loan, event.terms.premiumBps)
  const standingAt = async (blockNumber: bigint) => {
    const of = { facility: facility.facility, blockNumber }
    const [free, loans] = await Promise.all([
      getFreeStake(client, { ...of, underwriter: account }),
      Promise.all([...backed.keys()].map((loan) => getLoan(client, { ...of, loan }))),
    ])
    return { 'free stake': free, 'locked stake': loans.reduce((sum, { stake }) => sum + stake, 0n) }
  }
  const opening = {
    ...zeros(columns),
    ...(fromBlock > createdIn ? await standingAt(fromBlock - 1n) : {}),
  }
  const inPeriod = events.filter(({ blockNumber }) => blockNumber >= fromBlock)
  const moves = followStake(inPeriod, { account, backed, free: opening['free stake'] })
  const times = await timesOf(
    client,
    moves.map(({ event }) => event.blockNumber),
  )
  const lines = moves.map(({ event, what, moved }): StatementLine<UnderwriterStatementColumn> => {
    const { blockNumber: block, transaction } = event
    return { time: times.get(block) ?? 0, block, transaction, what, moved: { ...zeros(columns), ...moved } }
  })
  const decimals = facility.lines.senior.decimals - 6
  const sized = Object.fromEntries(columns.map((column) => [column, decimals])) as Record<
    UnderwriterStatementColumn,
    number
  >
  const statement = balance(
    { of: `underwriter ${account}`, fromBlock, toBlock, columns, opening, lines, decimals: sized },
    await standingAt(toBlock),
  )
  return { ...statement, totals: totalsOf(statement) }
}

interface Move {
  readonly event: FacilityEvent
  readonly what: string
  readonly moved: Partial<Record<UnderwriterStatementColumn, bigint>>
}

/** What each event moved for the underwriter; events that moved nothing are left out. */
function followStake(
  events: readonly FacilityEvent[],
  of: { readonly account: Address; readonly backed: ReadonlyMap<Hash, number>; readonly free: bigint },
): readonly Move[] {
  let free = of.free
  return events.flatMap((event, at): Move[] => {
    if (event.type === 'stakeChanged') {
      if (!isAddressEqual(event.underwriter, of.account)) return []
      const change = event.free - free
      free = event.free
      if (change === 0n) return []
      const before = events[at - 1]
      // The facility says what a loan's stake is, and next what this left free.
      const isPair =
        before?.type === 'stakeLocked' &&
        before.blockNumber === event.blockNumber &&
        before.logIndex + 1 === event.logIndex
      if (isPair) {
        const what = `${change < 0n ? 'locked under' : 'released from'} loan ${before.loan}`
        return [{ event, what, moved: { 'free stake': change, 'locked stake': -change } }]
      }
      return change < 0n
        ? [{ event, what: 'taken out', moved: { 'taken out': -change, 'free stake': change } }]
        : [{ event, what: 'put in', moved: { 'put in': change, 'free stake': change } }]
    }
    const premiumBps = 'loan' in event ? of.backed.get(event.loan) : undefined
    if (premiumBps === undefined) return []
    if (event.type === 'repaid') {
      const premium = (event.interest * BigInt(premiumBps)) / 10_000n
      const what = `premium of loan ${event.loan}`
      return premium === 0n ? [] : [{ event, what, moved: { premiums: premium, 'locked stake': premium } }]
    }
    if (event.type === 'bountyPaid') {
      const { amount, loan, to } = event
      const what = `bounty to ${to}, for loan ${loan}`
      return [{ event, what, moved: { bounties: amount, 'locked stake': -amount } }]
    }
    if (event.type === 'writtenOff') {
      const { cover, loan } = event
      const what = `lost with loan ${loan}`
      return cover === 0n ? [] : [{ event, what, moved: { lost: cover, 'locked stake': -cover } }]
    }
    if (event.type === 'recovered') {
      const { toStake, loan } = event
      const what = `recovered from loan ${loan}`
      return toStake === 0n ? [] : [{ event, what, moved: { lost: -toStake, 'locked stake': toStake } }]
    }
    return []
  })
}

function totalsOf({ lines, closing }: Statement<UnderwriterStatementColumn>): UnderwriterTotals {
  let [locked, released, recovered] = [0n, 0n, 0n]
  for (const { moved } of lines) {
    const change = moved['locked stake']
    // Only between the two does one gain what the other loses.
    if (moved['free stake'] === -change) {
      if (change > 0n) locked += change
      else released -= change
    }
    if (moved.lost < 0n) recovered -= moved.lost
  }
  return { locked, released, recovered, gain: closing.premiums - closing.bounties - closing.lost }
}
