import { type FacilityBook, lookThroughLeverage, RiskError, type UnitHolding } from '@millrace/risk'
import {
  type Facility,
  getFacility,
  getLoan,
  getLookThrough,
  getUnits,
  type LookThrough,
  readFacilityEvents,
} from '@millrace/sdk'
import { type Address, formatUnits } from 'viem'
import { getBlockNumber } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { Currency } from '../output/amounts.ts'

/** What a pool lends on through units of other pools. */
export interface PoolLookThrough extends LookThrough {
  /**
   * Exposures behind the junior line, as the books of all pools say, each debtor by the name that the pool it owes gave it; `null` where
   * those books contradict each other.
   */
  readonly leverage: {
    /** Exposures over junior; `null` where junior is gone. */
    readonly times: number | null
    readonly effectiveNames: number
    readonly exposures: readonly { readonly obligor: string; readonly amount: number }[]
  } | null
}

/** Reads what stands behind a pool; `null` for one that lends on no units. */
export async function readLookThrough(
  connection: Connection,
  pool: Facility,
  currency: Currency,
): Promise<PoolLookThrough | null> {
  const { client } = connection
  const seen = await getLookThrough(client, { facility: pool.facility })
  if (seen.behind.length === 0) return null
  const books = new Map<Address, FacilityBook>()
  const toBlock = await getBlockNumber(client)
  const pending: Facility[] = [pool]
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    if (books.has(one.facility)) continue
    const { book, behind } = await readBook(connection, one, { decimals: currency.decimals, toBlock })
    books.set(one.facility, book)
    for (const facility of behind) pending.push(await getFacility(client, { facility }))
  }
  try {
    const found = lookThroughLeverage([...books.values()]).find(({ facility }) => facility === pool.facility)
    if (found === undefined) return { ...seen, leverage: null }
    const { leverage, effectiveNames, exposures } = found
    return {
      ...seen,
      leverage: { times: Number.isFinite(leverage) ? leverage : null, effectiveNames, exposures },
    }
  } catch (error) {
    if (error instanceof RiskError) return { ...seen, leverage: null }
    throw error
  }
}

/** The book of one pool: a loan on units is a holding of those units, as far as it is drawn. */
async function readBook(
  { client, deployment }: Connection,
  pool: Facility,
  of: { readonly decimals: number; readonly toBlock: bigint },
): Promise<{ readonly book: FacilityBook; readonly behind: readonly Address[] }> {
  const whole = (amount: bigint) => Number(formatUnits(amount, of.decimals))
  const events = await readFacilityEvents(client, {
    ...{ deployment, facility: pool, fromBlock: 0n, toBlock: of.toBlock },
  })
  const loans: { obligor: string; value: number }[] = []
  const lent = new Map<Address, bigint>()
  for (const event of events) {
    if (event.type !== 'loanOpened') continue
    const { state, principal, doubt } = await getLoan(client, { facility: pool.facility, loan: event.loan })
    if (state === 'none' || state === 'closed' || state === 'writtenOff') continue
    const value = principal - doubt
    const asset = event.terms.collateral[0]?.asset ?? 0n
    const units = await getUnits(client, { deployment, asset })
    if (units === null) loans.push({ obligor: event.terms.obligor, value: whole(value) })
    else lent.set(units.facility, (lent.get(units.facility) ?? 0n) + value)
  }
  const holdings: UnitHolding[] = []
  for (const [facility, amount] of lent) {
    const { lines } = await getFacility(client, { facility })
    const line = whole(lines.senior.conservative)
    // More than the line is worth is not there any more.
    const share = line === 0 ? 0 : Math.min(1, whole(amount) / line)
    holdings.push({ facility, line: 'senior', share })
  }
  const { idle, seniorClaim } = pool.value
  return {
    book: { id: pool.facility, cash: whole(idle), loans, holdings, seniorClaim: whole(seniorClaim) },
    behind: [...lent.keys()],
  }
}
