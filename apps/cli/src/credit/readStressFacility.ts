import type { StressFacility, StressLoan } from '@millrace/risk'
import {
  type Facility,
  getAppraisal,
  getCurve,
  getLoan,
  type LoanStatus,
  type LoanTerms,
  readFacilityEvents,
} from '@millrace/sdk'
import { type Hash, zeroHash } from 'viem'
import { getBlockNumber } from 'viem/actions'
import { findAsset } from '../commands/assetActions.ts'
import type { Connection } from '../connection/connect.ts'
import type { Currency } from '../output/amounts.ts'
import { type Evidence, readEvidence } from './readEvidence.ts'

const month = 30 * 86_400
const year = 365 * 86_400

/** A loan of a pool that still owes something. */
interface LiveLoan {
  readonly id: Hash
  readonly terms: LoanTerms
  readonly status: LoanStatus
}

/** A pool as stress tests see it, and what they had to assume. */
export interface StressPool {
  readonly facility: StressFacility
  readonly loans: readonly LiveLoan[]
  /** What a sale would bring now for each loan, in whole units. */
  readonly worths: readonly number[]
  /** What the chain does not say and was assumed, in sentences. */
  readonly assumed: readonly string[]
}

/**
 * Reads a pool from the chain for a stress test: what each loan owes, what its machines are worth and how that falls, who paid them how
 * much a month, and what is due. Money that the borrower or its operator paid counts for nothing.
 */
export async function readStressFacility(
  connection: Connection,
  of: {
    readonly pool: Facility
    readonly currency: Currency
    readonly createdIn: bigint
    readonly from: number
    readonly to: number
    /** Part of the running costs that is power, of [0, 1]. */
    readonly powerShare: number
    /** Days in which a redemption is expected. */
    readonly redemptionDays: number
  },
): Promise<StressPool> {
  const { pool, currency, createdIn } = of
  const { client, deployment } = connection
  const whole = (amount: bigint) => Number(amount) / 10 ** currency.decimals
  const toBlock = await getBlockNumber(client, { cacheTime: 0 })
  const events = await readFacilityEvents(client, {
    deployment,
    facility: pool,
    fromBlock: createdIn,
    toBlock,
  })
  const opened = events.filter((event) => event.type === 'loanOpened')
  const all = await Promise.all(
    opened.map(async ({ loan: id, terms }) => {
      return { id, terms, status: await getLoan(client, { facility: pool.facility, loan: id }) }
    }),
  )
  const loans = all.filter(({ status }) => status.state !== 'writtenOff' && status.principal > 0n)
  const seen = await Promise.all(loans.map((loan) => readLoan(connection, loan, { ...of, whole })))
  const { value, lines, bookRules, deskRules } = pool
  const waiting = (line: 'senior' | 'junior') =>
    whole((lines[line].waiting * lines[line].redeemPrice) / 10n ** BigInt(lines[line].decimals))
  const covenants = loans.map(({ terms }) => terms.dscrBps).filter((bps) => bps > 0)
  const assumed = [
    ...(loans.length > 1 && loans.some(({ status }) => status.stake > 0n)
      ? ['Stakes are counted together; on chain each covers its own loan.']
      : []),
    `Power is ${100 * of.powerShare} % of running costs${seen.some(({ stress }) => stress.costs + stress.power > 0) ? '' : ', and no till declares any: scenarios of power and costs show nothing'}.`,
    ...(loans.some(({ terms }) => terms.clusters.includes(zeroHash))
      ? ['What a loan does not name (hardware, site, country) counts as one and the same.']
      : []),
    ...(seen.some(({ isYoung }) => isYoung)
      ? ['A machine that began to earn less than a month ago is taken to earn no more than that a month.']
      : []),
  ]
  return {
    loans,
    worths: seen.map(({ worth }) => worth),
    assumed,
    facility: {
      cash: whole(value.idle),
      loans: seen.map(({ stress }) => stress),
      seniorClaim: whole(value.seniorClaim),
      seniorRate: bookRules.seniorRate / 1e6,
      seniorFloating: false,
      firstLoss: whole(loans.reduce((sum, { status }) => sum + status.stake, 0n)),
      queued: waiting('senior') + waiting('junior'),
      covenants: {
        coverage: covenants.length === 0 ? 1 : Math.min(...covenants) / 10_000,
        // Above it a sale no longer pays the loan.
        loanToValue: 1,
        subordination: bookRules.minJuniorBps / 10_000,
        effectiveNames: deskRules.minObligorBets / 100,
        redemptionDays: of.redemptionDays,
      },
    },
  }
}

async function readLoan(
  connection: Connection,
  { id, terms, status }: LiveLoan,
  of: Parameters<typeof readStressFacility>[1] & { readonly whole: (amount: bigint) => number },
): Promise<{ readonly stress: StressLoan; readonly worth: number; readonly isYoung: boolean }> {
  const { pool, currency, from, to, whole, powerShare } = of
  const { client, deployment } = connection
  const machines = await Promise.all(
    terms.collateral.map(async ({ asset: machine }) => {
      const asset = await findAsset(connection, String(machine))
      const panel = BigInt(pool.bookRules.panel)
      const [evidence, appraisal] = await Promise.all([
        readEvidence(connection, { asset, currency, borrower: terms.borrower, from, to }),
        getAppraisal(client, { deployment, panel, asset: machine }),
      ])
      const curve = await getCurve(client, { deployment, curve: appraisal.curve })
      return { asset, evidence, appraisal, curve }
    }),
  )
  const isSecured = terms.ltvBps > 0
  const worth = isSecured ? whole(machines.reduce((sum, { appraisal }) => sum + appraisal.value, 0n)) : 0
  const haircut = Math.max(...machines.map(({ curve }) => curve.haircutBps)) / 10_000
  const halfLife = Math.min(...machines.map(({ curve }) => curve.halfLife))
  const costs = machines.reduce((sum, { evidence }) => sum + 30 * whole(evidence.above.costsPerDay), 0)
  const revenue = machines.flatMap(({ evidence }) => monthlyRevenue(evidence, { from, to, whole }))
  const earns = revenue.some(({ monthly }) => monthly > 0)
  const [hardware = zeroHash, site = zeroHash, jurisdiction = zeroHash] = terms.clusters
  const first = Math.min(...machines.flatMap(({ evidence }) => evidence.payers.map((payer) => payer.first)))
  return {
    worth,
    isYoung: earns && to - first < month,
    stress: {
      id,
      names: {
        obligor: terms.obligor,
        operator: machines[0]?.asset.operator ?? '',
        ...{ hardware, site, jurisdiction, currency: currency.symbol, marketplace: 'own' },
      },
      principal: whole(status.principal),
      rate: terms.rate / 1e6,
      floating: false,
      months: Math.max(1, Math.ceil((terms.maturity - Math.max(to, earns ? to : terms.rampEnd)) / month)),
      revenue,
      power: costs * powerShare,
      costs: costs * (1 - powerShare),
      curve: { value: haircut >= 1 ? 0 : worth / (1 - haircut), drift: (Math.LN2 * year) / halfLife },
      haircut,
      reserve: 0,
      // A machine that earns nothing yet is taken to do so when its ramp is over.
      deliveredIn: earns ? 0 : Math.max(0, Math.ceil((terms.rampEnd - to) / month)),
    },
  }
}

/** What each payer pays a month; a shorter history counts as a whole month of it. */
function monthlyRevenue(
  { payers, above }: Evidence,
  {
    from,
    to,
    whole,
  }: { readonly from: number; readonly to: number; readonly whole: (amount: bigint) => number },
) {
  const paying = payers.filter(({ isRelated }) => !isRelated)
  const since = Math.max(from, Math.min(to, ...paying.map(({ first }) => first)))
  const months = Math.max(1, (to - since) / month)
  const upstream = above.upstream.reduce((sum, { bps }) => sum + bps, 0) / 10_000
  return paying.map(({ payer, contract, amount }) => ({
    payer: contract === null ? payer : `all ${contract}`,
    monthly: (whole(amount) * (1 - upstream)) / months,
  }))
}
