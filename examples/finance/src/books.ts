import {
  type FacilityEvent,
  type FacilityLine,
  type LoanTerms,
  loanInterest,
  loanPlan,
  rawInterest,
} from '@millrace/sdk'
import { BooksDifferError, StoryBrokenError } from './errors.ts'

/** Parts per million × seconds of a year: what divides raw interest. */
const unit = 1_000_000n * 31_536_000n
const bps = 10_000n
/** Shares that a vault counts and nobody has. */
const virtualShares = 1_000_000n

/** An event with the second of its block. */
export type TimedEvent = FacilityEvent & { readonly time: number }

/** What the books need to know of the facility and its one loan. */
export interface BooksOptions {
  readonly terms: LoanTerms
  /** Parts per million a year. */
  readonly seniorRate: number
  /** What a sale of all assets would bring at a time. */
  readonly worthAt: (time: number) => bigint
}

/** What must stand on chain at a time. Base units. */
export interface Expected {
  readonly idle: bigint
  readonly principal: bigint
  readonly interest: bigint
  readonly doubtful: bigint
  readonly seniorClaim: bigint
  readonly optimistic: Record<FacilityLine, bigint>
  readonly conservative: Record<FacilityLine, bigint>
  readonly loan: { readonly principal: bigint; readonly interest: bigint; readonly stake: bigint }
  /** The facility's account in the till. */
  readonly account: bigint
}

/**
 * Books of a facility with one loan, kept from its events alone by arithmetic of their own: whatever an event says that follows from
 * the ones before it is computed and compared.
 */
export function openBooks({ terms, seniorRate, worthAt }: BooksOptions) {
  const weight = bps - BigInt(terms.premiumBps)
  let idle = 0n
  const shares = { senior: 0n, junior: 0n }
  const claim = { principal: 0n, offset: 0n }
  const free = new Map<string, bigint>()
  const loan = { state: 'none', principal: 0n, drawn: 0n, offset: 0n, stake: 0n, doubt: 0n, lost: 0n }
  const isAlive = () => ['live', 'late', 'impaired', 'defaulted'].includes(loan.state)
  const record = () => ({
    ...terms,
    ...{ principal: loan.principal, drawn: loan.drawn, offset: loan.offset, sweeps: false },
    accrues: loan.state === 'live' || loan.state === 'late',
  })
  const same = (what: string, chain: bigint, books: bigint, { type, time }: TimedEvent) => {
    if (chain !== books) throw new BooksDifferError({ what, chain, books, at: `${type} at ${time}` })
  }

  const claimAt = (time: number) => {
    const raw = claim.principal * BigInt(seniorRate) * BigInt(time) - claim.offset
    return claim.principal + (raw > 0n ? raw / unit : 0n)
  }
  const linesOf = (total: bigint, time: number) => {
    const most = claimAt(time)
    const senior = most < total ? most : total
    return { senior, junior: total - senior }
  }
  const valueAt = (time: number) => {
    const principal = isAlive() ? loan.principal : 0n
    const interest = isAlive() ? (rawInterest(record(), time) * weight) / (unit * bps) : 0n
    return {
      principal,
      interest,
      optimistic: idle + principal + interest,
      conservative: idle + principal - loan.doubt,
    }
  }

  /** Takes interest, then principal, off the loan as of a time; the premium stays with the stake. */
  const repay = (event: TimedEvent & { type: 'repaid' }) => {
    const { interest, principal, since } = event
    const raw = rawInterest(record(), since)
    const owed = loanInterest(record(), since)
    if (principal > 0n) same('interest before principal', interest, owed, event)
    else if (interest > owed) same('interest', interest, owed, event)
    const paid = interest * unit < raw ? interest * unit : raw
    loan.offset += paid - (record().accrues ? principal * BigInt(terms.rate) * BigInt(since) : 0n)
    loan.principal -= principal
    const premium = (interest * BigInt(terms.premiumBps)) / bps
    loan.stake += premium
    idle += interest - premium + principal
    if (loan.doubt > loan.principal) loan.doubt = loan.principal
  }

  const enter = (state: string, time: number) => {
    const borne = loan.principal * BigInt(terms.rate) * BigInt(time)
    if (state === 'impaired') {
      loan.offset -= borne
      const carried = worthAt(time) + loan.stake
      loan.doubt = carried < loan.principal ? loan.principal - carried : 0n
    } else if (state === 'live' && loan.state === 'impaired') {
      loan.offset += borne
      loan.doubt = 0n
    }
    loan.state = state
  }

  const writeOff = (event: TimedEvent & { type: 'writtenOff' }) => {
    const owed = loan.principal + loanInterest(record(), event.time)
    same('cover', event.cover, owed < loan.stake ? owed : loan.stake, event)
    same('loss', event.loss, owed - event.cover, event)
    idle += event.cover
    loan.stake -= event.cover
    loan.lost = event.loss
    Object.assign(loan, { principal: 0n, offset: 0n, doubt: 0n })
  }

  const deposit = (event: TimedEvent & { type: 'deposited' }) => {
    const { line, assets, time } = event
    const before = linesOf(valueAt(time).optimistic, time)[line]
    same('shares', event.shares, (assets * (shares[line] + virtualShares)) / (before + 1n), event)
    shares[line] += event.shares
    idle += assets
    if (line === 'junior') return
    claim.principal += assets
    claim.offset += assets * BigInt(seniorRate) * BigInt(time)
  }

  const payQueue = (event: TimedEvent & { type: 'queuePaid' }) => {
    const { line, time } = event
    const supply = shares[line] + virtualShares
    const worth = linesOf(valueAt(time).conservative, time)[line]
    same('paid to who leaves', event.assets, (event.shares * (worth + 1n)) / supply, event)
    shares[line] -= event.shares
    idle -= event.assets
    if (line === 'junior') return
    const stay = supply - event.shares
    if (stay === virtualShares) Object.assign(claim, { principal: 0n, offset: 0n })
    else {
      const rateTime = BigInt(seniorRate) * BigInt(time)
      const accrued = claim.principal * rateTime - claim.offset
      claim.principal = (claim.principal * stay + supply - 1n) / supply
      claim.offset = claim.principal * rateTime - (accrued * stay + supply - 1n) / supply
    }
  }

  return {
    /** Books what happened, in order. */
    record(events: readonly TimedEvent[]) {
      for (const event of events) {
        if (event.type === 'drawn') {
          loan.principal += event.amount
          loan.drawn += event.amount
          loan.offset += event.amount * BigInt(terms.rate) * BigInt(event.time)
          idle -= event.amount
          same('principal', event.principal, loan.principal, event)
        } else if (event.type === 'repaid') repay(event)
        else if (event.type === 'loanStateChanged') enter(event.state, event.time)
        else if (event.type === 'bountyPaid') loan.stake -= event.amount
        else if (event.type === 'writtenOff') writeOff(event)
        else if (event.type === 'stakeLocked') loan.stake = event.locked
        else if (event.type === 'stakeChanged') free.set(event.underwriter, event.free)
        else if (event.type === 'deposited') deposit(event)
        else if (event.type === 'queuePaid') payQueue(event)
        else if (event.type === 'recovered')
          throw new StoryBrokenError({ what: 'Nothing is recovered here', seen: event.loan })
      }
    },
    /** What must stand on chain at a time. */
    expectedAt(time: number): Expected {
      const { principal, interest, optimistic, conservative } = valueAt(time)
      const stakes = [...free.values()].reduce((sum, each) => sum + each, loan.stake)
      return {
        ...{ idle, principal, interest, doubtful: loan.doubt, seniorClaim: claimAt(time) },
        optimistic: linesOf(optimistic, time),
        conservative: linesOf(conservative, time),
        loan: {
          principal: loan.state === 'writtenOff' ? loan.lost : loan.principal,
          interest: isAlive() ? loanInterest(record(), time) : 0n,
          stake: loan.stake,
        },
        account: idle + stakes,
      }
    },
    /** Principal that the plan leaves at a time. */
    planAt: (time: number) => loanPlan({ ...terms, drawn: loan.drawn }, time),
    state: () => loan.state,
  }
}

export type Books = ReturnType<typeof openBooks>
