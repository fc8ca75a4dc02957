import {
  confirm,
  createdFacility,
  createFacility,
  type Facility,
  type FacilityLineState,
  type FacilityRules,
  getFacility,
  listDebt,
  MillraceError,
  tillAbi,
} from '@millrace/sdk'
import { type Address, formatUnits } from 'viem'
import { readContract } from 'viem/actions'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { creditOf } from '../credit/creditOf.ts'
import { findPool, findRules } from '../credit/findPool.ts'
import { listedPools } from '../credit/listedPools.ts'
import { formatBps, formatRate, parseBps, parseRate } from '../credit/parts.ts'
import { type PoolLookThrough, readLookThrough } from '../credit/readLookThrough.ts'
import { UsageError } from '../errors/input.ts'
import { readNetworkState } from '../network/networkState.ts'
import { openFaucet } from '../network/prepareNetwork.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { readNumber } from './appraiseActions.ts'
import type { GlobalFlags } from './flags.ts'
import { addressOf, readAddress } from './walletActions.ts'

/** More than any lender has: what the contract takes before its numbers are full. */
const boundless = 2n ** 80n

export interface CreatePoolFlags extends GlobalFlags {
  readonly panel: string
  readonly underwriter: readonly string[]
  readonly currency?: string
  readonly seniorRate: string
  readonly minJunior: string
  readonly grace: string
  readonly auctionStart: string
  readonly auctionHalfLife: string
  readonly bounty: string
  readonly maxLtv: string
  readonly maxMultiple: string
  readonly minCover: string
  readonly maxObligor: string
  readonly maxCluster: string
  readonly minObligors: string
  readonly minClusters: string
  readonly maxRamp: string
  readonly maxTerm: string
  readonly evidencePanel?: string
}

export async function createPool(flags: CreatePoolFlags): Promise<void> {
  const connection = await connect(flags)
  const currency =
    flags.currency === undefined
      ? connection.currency
      : await connection.currencyOf(readAddress(flags.currency))
  const rules = readRules(flags, currency)
  const underwriters = flags.underwriter.map(addressOf)
  const sender = await openAccount(connection, flags)
  const { deployment } = connection
  const curator = sender.account.address
  const transaction = await createFacility(sender.client, { deployment, curator, underwriters, rules })
  const pool = createdFacility(await confirm(sender.client, transaction))
  if (pool === null) throw new UsageError({ message: 'The transaction made no facility.' })
  const isListed = await listHere(connection, pool)
  createOutput(flags.json === true).result(
    { pool, curator, underwriters, rules, isListed, transaction },
    [
      `Pool ${pool} lends ${currency.symbol}; ${underwriters.length} may underwrite.`,
      isListed
        ? 'The till lists it: it can be borrowed from.'
        : 'Ask the admin of the till to list it; until then nobody can borrow from it.',
      `Lend to it: millrace lend ${pool} <amount> --line junior`,
    ].join('\n'),
  )
}

function readRules(flags: CreatePoolFlags, currency: Currency): FacilityRules {
  return {
    book: {
      currency: currency.address,
      seniorRate: parseRate(flags.seniorRate, '--senior-rate'),
      minJuniorBps: parseBps(flags.minJunior, '--min-junior'),
      grace: parseDuration(flags.grace),
      panel: readNumber(flags.panel, '--panel', 2 ** 32 - 1),
      auctionBps: parseBps(flags.auctionStart, '--auction-start', 65_535),
      auctionHalfLife: parseDuration(flags.auctionHalfLife),
      bounty: parseAmount(flags.bounty, currency),
    },
    desk: {
      maxLtvBps: parseBps(flags.maxLtv, '--max-ltv'),
      maxMultipleBps: parseBps(flags.maxMultiple, '--max-multiple', 2 ** 32 - 1),
      minCoverBps: parseBps(flags.minCover, '--min-cover', 65_535),
      maxObligorBps: parseBps(flags.maxObligor, '--max-obligor'),
      maxClusterBps: parseBps(flags.maxCluster, '--max-cluster'),
      // Hundredths, as percentages are.
      minObligorBets: parseBps(flags.minObligors, '--min-obligors', 2 ** 32 - 1),
      minClusterBets: parseBps(flags.minClusters, '--min-clusters', 2 ** 32 - 1),
      maxRamp: parseDuration(flags.maxRamp),
      maxTerm: parseDuration(flags.maxTerm),
      evidencePanel:
        flags.evidencePanel === undefined
          ? null
          : readNumber(flags.evidencePanel, '--evidence-panel', 2 ** 32 - 2),
    },
  }
}

/** On the local network this home is the admin of the till: lists the pool, and the ranks in which it may stand behind others. */
async function listHere(connection: Connection, pool: Address): Promise<boolean> {
  if (!connection.isLocal) return false
  const state = readNetworkState(connection.paths.network)
  if (state === null) return false
  const { client } = openFaucet(connection.paths, state)
  const { deployment } = connection
  for (const debt of [creditOf(connection).ranks, pool]) {
    const till = { address: deployment.till, abi: tillAbi, args: [debt] } as const
    if (await readContract(client, { ...till, functionName: 'isDebtListed' })) continue
    await confirm(client, await listDebt(client, { deployment, debt, listed: true }))
  }
  return true
}

export async function listPools(flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { client } = connection
  const pools: Facility[] = []
  for (const { facility, isListed } of await listedPools(connection)) {
    if (!isListed) continue
    try {
      pools.push(await getFacility(client, { facility }))
    } catch (error) {
      // A debt module that is no facility answers otherwise; a chain that does not answer is another matter.
      if (error instanceof MillraceError) throw error
    }
  }
  const rows = await Promise.all(
    pools.map(async (pool) => ({ pool, currency: await connection.currencyOf(pool.currency) })),
  )
  createOutput(flags.json === true).result(
    { pools },
    rows.length === 0
      ? 'The till lists no pool: millrace pool create'
      : formatTable(
          [
            { head: 'POOL', of: ({ pool }) => pool.facility },
            {
              head: 'IDLE',
              of: ({ pool, currency }) => formatAmount(pool.value.idle, currency),
              align: 'right',
            },
            {
              head: 'LENT',
              of: ({ pool, currency }) => formatAmount(pool.value.principal, currency),
              align: 'right',
            },
            {
              head: 'SENIOR',
              of: ({ pool, currency }) => formatAmount(pool.lines.senior.optimistic, currency),
              align: 'right',
            },
            {
              head: 'JUNIOR',
              of: ({ pool, currency }) => formatAmount(pool.lines.junior.optimistic, currency),
              align: 'right',
            },
          ],
          rows,
        ),
  )
}

export async function showPool(text: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const pool = await findPool(connection, text)
  const currency = await connection.currencyOf(pool.currency)
  const creation = await findRules(connection, pool.facility)
  const { book } = creation.rules
  const lookThrough = await readLookThrough(connection, pool, currency)
  const amount = (value: bigint) => formatAmount(value, currency)
  const { value, lines, bets } = pool
  const lineRows: readonly (FacilityLineState & { readonly name: string })[] = [
    { name: 'senior', ...lines.senior },
    { name: 'junior', ...lines.junior },
  ]
  const kinds = ['names', 'first clusters', 'second clusters', 'third clusters']
  createOutput(flags.json === true).result(
    { ...pool, lookThrough, rules: creation.rules, underwriters: creation.underwriters },
    [
      `Pool ${pool.facility}, lends ${currency.symbol}`,
      `Idle ${amount(value.idle)} · lent ${amount(value.principal)} · interest owed ${amount(value.interest)} · doubtful ${amount(value.doubtful)}`,
      formatTable(
        [
          { head: 'LINE', of: ({ name }) => name },
          { head: 'WORTH', of: ({ optimistic }) => amount(optimistic), align: 'right' },
          { head: 'A SHARE COSTS', of: ({ depositPrice }) => amount(depositPrice), align: 'right' },
          { head: 'A SHARE BRINGS', of: ({ redeemPrice }) => amount(redeemPrice), align: 'right' },
          { head: 'WAITING', of: ({ waiting, decimals }) => formatUnits(waiting, decimals), align: 'right' },
          {
            head: 'TAKES IN',
            of: ({ room }) => (room > boundless ? 'any amount' : amount(room)),
            align: 'right',
          },
        ],
        lineRows,
      ),
      `Senior claims ${formatRate(book.seniorRate)} a year, ${amount(value.seniorClaim)} now; junior is ${formatBps(book.minJuniorBps)} of it all or more.`,
      `Lends at most ${formatBps(pool.deskRules.maxLtvBps)} of what panel ${book.panel} says, ${formatBps(pool.deskRules.maxMultipleBps)} of trailing revenue; ${formatBps(pool.deskRules.maxObligorBps)} to one name.`,
      `Only interest for at most ${formatDuration(pool.deskRules.maxRamp)}, repaid within ${formatDuration(pool.deskRules.maxTerm)}.`,
      pool.deskRules.evidencePanel === null
        ? 'Asks nobody where revenue came from.'
        : `Lends on no more revenue than panel ${pool.deskRules.evidencePanel} says came from outside.`,
      `Steps to default ${formatDuration(book.grace)} apart; auctions from ${formatBps(book.auctionBps)} of the value, halved in ${formatDuration(book.auctionHalfLife)}.`,
      ...bets.flatMap((count, kind) =>
        count === null ? [] : [`Effective number of ${kinds[kind]}: ${Number(count) / 100}`],
      ),
      ...linesOf(lookThrough, amount),
      `Curator ${pool.curator}`,
    ].join('\n'),
  )
}

/** What stands behind units, in words. */
function linesOf(seen: PoolLookThrough | null, amount: (value: bigint) => string): readonly string[] {
  if (seen === null) return []
  const { behind, through, leverage } = seen
  const kinds = ['name', 'first cluster', 'second cluster', 'third cluster']
  return [
    ...behind.map(({ facility, drawn }) => `Lent on units of ${facility}: ${amount(drawn)}`),
    ...through.flatMap((most, kind) =>
      most === 0n ? [] : [`Through units at most ${amount(most)} more hang on any one ${kinds[kind]}.`],
    ),
    leverage === null
      ? 'The books behind the units contradict each other.'
      : `With what is behind them: ${leverage.effectiveNames.toFixed(1)} effective names${leverage.times === null ? '' : `, ${leverage.times.toFixed(1)} times junior`}.`,
  ]
}
