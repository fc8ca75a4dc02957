import {
  type FacilityContracts,
  getBalance,
  getFacility,
  getLoan,
  getTill,
  readFacilityEvents,
} from '@millrace/sdk'
import { erc20Abi, type Hash } from 'viem'
import type { Books, TimedEvent } from './books.ts'
import { BooksDifferError } from './errors.ts'
import { type Chain, people } from './startChain.ts'

/** One line of the report: how everything stands at the end of a step. Base units. */
export interface Step {
  readonly name: string
  /** Days since the first draw. */
  readonly day: number
  readonly state: string
  readonly isSwept: boolean
  /** Paid to the machines so far. */
  readonly revenue: bigint
  readonly principal: bigint
  readonly due: bigint
  readonly idle: bigint
  readonly senior: bigint
  readonly junior: bigint
  /** First loss: what the loan locks and what is free. */
  readonly stake: bigint
  /** What the operator has in its account. */
  readonly operator: bigint
}

/** What an audit looks at. */
export interface Audited {
  readonly chain: Chain
  readonly contracts: FacilityContracts
  readonly loan: Hash
  readonly machines: readonly bigint[]
  readonly books: Books
  readonly startedAt: number
}

/**
 * Holds the chain against the books, to the unit: the book of the facility, both prices of both lines, the loan, the facility's
 * account, and all accounts and buckets together against the tokens that the till holds.
 */
export function createAudit({ chain, contracts, loan, machines, books, startedAt }: Audited) {
  const { client, deployment, currency } = chain
  let nextBlock = 0n
  let checks = 0
  let steps = 0

  const record = async (toBlock: bigint) => {
    const found = await readFacilityEvents(client, {
      ...{ deployment, facility: contracts, fromBlock: nextBlock, toBlock },
    })
    nextBlock = toBlock + 1n
    const times = new Map<bigint, number>()
    const timed: TimedEvent[] = []
    for (const event of found) {
      const time =
        times.get(event.blockNumber) ??
        Number((await client.getBlock({ blockNumber: event.blockNumber })).timestamp)
      times.set(event.blockNumber, time)
      timed.push({ ...event, time })
    }
    books.record(timed)
    return timed
  }

  /** All that the till owes to anyone, against the tokens that it holds. */
  const total = async (blockNumber: bigint) => {
    const accounts = [
      ...people.map((person) => chain.addressOf(person)),
      ...[contracts.facility, contracts.senior, contracts.junior],
    ]
    const balances = await Promise.all(
      accounts.map((account) => getBalance(client, { deployment, account, currency: currency.address })),
    )
    const tills = await Promise.all(machines.map((asset) => getTill(client, { deployment, asset })))
    const held = await client.readContract({
      ...{ address: currency.address, abi: erc20Abi, functionName: 'balanceOf', args: [deployment.till] },
      blockNumber,
    } as const)
    const owed =
      balances.reduce((sum, { till }) => sum + till, 0n) +
      tills.reduce((sum, till) => sum + till.bucket.amount + till.royalties + till.held, 0n)
    return { owed, held }
  }

  return {
    counts: () => ({ steps, checks }),
    /** Books what happened since the last step and compares; the line of the report comes back. */
    async step(
      name: string,
      revenue: bigint,
    ): Promise<{ readonly line: Step; readonly events: readonly TimedEvent[] }> {
      const { number, timestamp } = await client.getBlock()
      const events = await record(number)
      const time = Number(timestamp)
      const expected = books.expectedAt(time)
      const at = { facility: contracts.facility, blockNumber: number }
      const [facility, status, account, operator, sums] = await Promise.all([
        getFacility(client, at),
        getLoan(client, { ...at, loan }),
        getBalance(client, { deployment, account: contracts.facility, currency: currency.address }),
        getBalance(client, { deployment, account: chain.addressOf('operator'), currency: currency.address }),
        total(number),
      ])
      const same = (what: string, seen: bigint, wanted: bigint) => {
        checks++
        if (seen !== wanted) throw new BooksDifferError({ what, chain: seen, books: wanted, at: name })
      }
      const { value, lines } = facility
      for (const key of ['idle', 'principal', 'interest', 'doubtful', 'seniorClaim'] as const)
        same(key, value[key], expected[key])
      for (const line of ['senior', 'junior'] as const) {
        same(`${line}, coming`, lines[line].optimistic, expected.optimistic[line])
        same(`${line}, leaving`, lines[line].conservative, expected.conservative[line])
      }
      same('principal of the loan', status.principal, expected.loan.principal)
      same('interest of the loan', status.interest, expected.loan.interest)
      same('stake of the loan', status.stake, expected.loan.stake)
      same('account of the facility', account.till, expected.account)
      same(
        'senior + junior, coming',
        lines.senior.optimistic + lines.junior.optimistic,
        value.idle + value.principal + value.interest,
      )
      same(
        'senior + junior, leaving',
        lines.senior.conservative + lines.junior.conservative,
        value.idle + value.principal - value.doubtful,
      )
      same('all that the till owes', sums.owed, sums.held)
      steps++
      return {
        events,
        line: {
          ...{
            name,
            day: Math.round((time - startedAt) / 86_400),
            state: status.state,
            isSwept: status.isSwept,
          },
          ...{ revenue, principal: value.principal, due: status.due, idle: value.idle },
          ...{ senior: lines.senior.optimistic, junior: lines.junior.optimistic },
          stake: account.till - value.idle,
          operator: operator.till,
        },
      }
    },
  }
}

export type Audit = ReturnType<typeof createAudit>
