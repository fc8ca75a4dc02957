import { type Address, type Hash, isAddressEqual } from 'viem'
import type { FacilityEvent } from '../credit/facilityEvent.ts'
import { getLoan } from '../credit/getLoan.ts'
import { type LoanRecord, loanInterest, rawInterest } from '../credit/loanMath.ts'
import type { LoanTerms } from '../credit/loanTerms.ts'
import { readFacilityEvents } from '../credit/readFacilityEvents.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { FacilityPeriod } from './facilityPeriod.ts'
import { balance, type Statement, type StatementLine, zeros } from './statement.ts'
import { timesOf } from './timesOf.ts'

const columns = [
  ...(['drawn', 'interest borne', 'interest paid', 'principal paid'] as const),
  ...(['principal', 'interest', 'lost'] as const),
] as const

/** What moved in a loan. Principal, interest and what was lost are balances, the rest is what flowed. */
export type LoanStatementColumn = (typeof columns)[number]
type TimedEvent = FacilityEvent & { readonly time: number }

/** Parts per million × seconds of a year: what divides raw interest. */
const unit = 1_000_000n * 31_536_000n

/**
 * What happened to a loan in a period: draws, interest by the second, what was paid, and what was lost. Interest is computed from the
 * terms and the loan's whole history; what is owed at the end must be what the chain says, to the unit.
 *
 * @param client A viem client of a chain that keeps old state.
 * @param parameters Deployment, facility, when it was created, the loan with its terms, first and last block.
 * @returns The statement; amounts in base units.
 * @throws StatementUnbalancedError, CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lent = await getFacility(client, { facility })
 * const { closing } = await getLoanStatement(client, { deployment, facility: lent, loan, terms: loanTerms, createdIn: 0n, fromBlock: 0n, toBlock: 100n })
 */
export async function getLoanStatement(
  client: ReadClient,
  parameters: FacilityPeriod & { readonly loan: Hash; readonly terms: LoanTerms },
): Promise<Statement<LoanStatementColumn>> {
  const { deployment, facility, loan, terms, createdIn, toBlock } = parameters
  const fromBlock = parameters.fromBlock > createdIn ? parameters.fromBlock : createdIn
  // From the beginning: interest of today hangs on every payment before.
  const range = { deployment, facility, fromBlock: createdIn, toBlock }
  const found = (await readFacilityEvents(client, range)).filter(
    (event) => 'loan' in event && event.loan === loan,
  )
  const times = await timesOf(client, [toBlock, ...found.map(({ blockNumber }) => blockNumber)])
  const events = found.map((event): TimedEvent => ({ ...event, time: times.get(event.blockNumber) ?? 0 }))
  const end = times.get(toBlock) ?? 0
  const book = replay(terms, [facility.facility, facility.desk])
  const opening = zeros(columns)
  const lines: StatementLine<LoanStatementColumn>[] = []
  for (const event of events.filter(({ blockNumber }) => blockNumber < fromBlock)) book.take(event)
  if (fromBlock > createdIn) {
    const start = await timesOf(client, [fromBlock - 1n])
    book.bear(start.get(fromBlock - 1n) ?? 0)
    const { principal, interest, lost } = book.standing()
    Object.assign(opening, { principal, interest, lost })
  }
  book.moved()
  for (const event of events.filter(({ blockNumber }) => blockNumber >= fromBlock)) {
    const what = book.take(event)
    const { time, blockNumber: block, transaction } = event
    if (what !== null) lines.push({ time, block, transaction, what, moved: book.moved() })
  }
  book.bear(end)
  const last = book.moved()
  if (last['interest borne'] !== 0n)
    lines.push({
      time: end,
      block: toBlock,
      transaction: '',
      what: 'interest until the end',
      moved: last,
    })
  const status = await getLoan(client, { facility: facility.facility, loan, blockNumber: toBlock })
  const isLost = status.state === 'writtenOff'
  const decimals = facility.lines.senior.decimals - 6
  const sized = Object.fromEntries(columns.map((column) => [column, decimals])) as Record<
    LoanStatementColumn,
    number
  >
  return balance(
    { of: `loan ${loan}`, fromBlock, toBlock, columns, opening, lines, decimals: sized },
    {
      principal: isLost ? 0n : status.principal,
      interest: status.interest,
      lost: isLost ? status.principal : 0n,
    },
  )
}

/**
 * A loan's history, taken event by event; `moved` tells what changed since it was asked last. What is drawn to one of `payingOff`, the
 * facility or its desk, pays another loan off.
 */
function replay(terms: LoanTerms, payingOff: readonly Address[]) {
  let record: LoanRecord = {
    ...terms,
    ...{ principal: 0n, drawn: 0n, offset: 0n, accrues: true, sweeps: false },
  }
  let lost = 0n
  let isOver = false
  /** Interest owed as of the last look, rounded up as the chain shows it. */
  let interest = 0n
  let told = zeros(columns)
  const sums = zeros(columns)
  const rate = BigInt(terms.rate)

  const bear = (time: number) => {
    if (isOver) return
    const now = loanInterest(record, time)
    sums['interest borne'] += now - interest
    interest = now
  }
  const repay = (event: TimedEvent & { type: 'repaid' }) => {
    const { interest: paid, principal, since } = event
    const raw = rawInterest(record, since)
    const rawPaid = paid * unit < raw ? paid * unit : raw
    const borne = record.accrues ? principal * rate * BigInt(since) : 0n
    record = { ...record, principal: record.principal - principal, offset: record.offset + rawPaid - borne }
    sums['interest paid'] += paid
    sums['principal paid'] += principal
    interest -= paid
  }
  const enter = (event: TimedEvent & { type: 'loanStateChanged' }) => {
    const borne = record.principal * rate * BigInt(event.time)
    if (event.state === 'impaired' && record.accrues)
      record = { ...record, accrues: false, offset: record.offset - borne }
    else if (event.state === 'live' && !record.accrues)
      record = { ...record, accrues: true, offset: record.offset + borne }
  }

  /** Takes an event; says what it was, or `null` where it moved nothing. */
  const take = (event: TimedEvent): string | null => {
    switch (event.type) {
      case 'drawn':
        bear(event.time)
        sums.drawn += event.amount
        record = {
          ...record,
          principal: record.principal + event.amount,
          drawn: record.drawn + event.amount,
          offset: record.offset + event.amount * rate * BigInt(event.time),
        }
        return payingOff.some((contract) => isAddressEqual(contract, event.to))
          ? 'drawn to pay another loan off'
          : `drawn to ${event.to}`
      case 'repaid':
        bear(event.since)
        repay(event)
        // What ran from the boundary to the block belongs to the next line.
        return event.from === null ? 'repaid' : `repaid by asset ${event.from}`
      case 'loanStateChanged':
        bear(event.time)
        enter(event)
        return event.state
      case 'writtenOff':
        bear(event.time)
        record = { ...record, principal: 0n, offset: 0n, accrues: false }
        interest = 0n
        isOver = true
        lost = event.loss
        return 'written off'
      case 'recovered':
        lost -= event.toLenders
        return 'recovered'
      default:
        return null
    }
  }
  const standing = () => ({ ...sums, principal: record.principal, interest, lost })
  return {
    ...{ take, bear, standing },
    moved: () => {
      const now = standing()
      const change = zeros(columns)
      for (const column of columns) change[column] = now[column] - told[column]
      told = now
      return change
    },
  }
}
