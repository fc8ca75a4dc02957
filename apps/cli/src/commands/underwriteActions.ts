import {
  confirm,
  getAppraisal,
  getFreeStake,
  getLoanCapacity,
  signLoanTerms,
  stakeFirstLoss,
} from '@millrace/sdk'
import { getAddress } from 'viem'
import { chainTime } from '../credit/chainTime.ts'
import { describeAhead } from '../credit/describeAhead.ts'
import { allowModule, findRules } from '../credit/findPool.ts'
import { isStale } from '../credit/isStale.ts'
import { writeLoanFile } from '../credit/loanFile.ts'
import { formatBps, formatRate } from '../credit/parts.ts'
import { type Evidence, type Payer, readEvidence } from '../credit/readEvidence.ts'
import { readAhead } from '../credit/readStanding.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { openLoan, openUnderwriter } from './loanActions.ts'

export interface UnderwriteFlags extends GlobalFlags {
  readonly since: string
  readonly sign?: boolean
  readonly stake?: string
}

/** Shows an underwriter what the chain knows before it puts its own money under a loan. */
export async function underwrite(path: string, flags: UnderwriteFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const { client, deployment } = connection
  const { terms, pool, desk, loan } = file
  const stake = flags.stake === undefined ? 0n : parseAmount(flags.stake, currency)
  const to = await chainTime(connection)
  const from = to - parseDuration(flags.since)
  const { rules } = await findRules(connection, pool)
  const panel = BigInt(rules.book.panel)
  const assets = await Promise.all(
    terms.collateral.map(async ({ asset: id }) => {
      const asset = await findAsset(connection, String(id))
      const [evidence, appraisal] = await Promise.all([
        readEvidence(connection, { asset, currency, borrower: terms.borrower, from, to }),
        getAppraisal(client, { deployment, panel, asset: id }),
      ])
      return { ...evidence, owner: asset.owner, operator: asset.operator, appraisal }
    }),
  )
  const carried = await getLoanCapacity(client, { desk, terms }).catch((error: unknown) => {
    if (isStale(error)) return null
    throw error
  })
  const ahead = await readAhead(connection, { pool, assets: terms.collateral.map(({ asset }) => asset) })
  // Everything is looked at before anything is signed.
  const signer = flags.sign === true || stake > 0n ? await openUnderwriter(connection, flags, terms) : null
  let staked: string | null = null
  if (signer !== null && stake > 0n) {
    await depositShortfall(connection, { buyer: signer, currency, needed: stake })
    await allowModule(connection, signer, pool)
    staked = await stakeFirstLoss(signer.client, { facility: pool, amount: stake })
    await confirm(signer.client, staked as `0x${string}`)
  }
  let signature = file.signature
  if (signer !== null && flags.sign === true) {
    signature = await signLoanTerms(signer.account, terms, file)
    const { loan: _, ...kept } = file
    writeLoanFile(path, { ...kept, signature }, true)
  }
  const freeStake = await getFreeStake(client, { facility: pool, underwriter: terms.underwriter })
  createOutput(flags.json === true).result(
    { loan, pool, terms, from, to, assets, ahead, capacity: carried, freeStake, signature, staked },
    [
      `Loan ${loan} of ${terms.borrower}`,
      `Up to ${formatAmount(terms.limit, currency)} at ${formatRate(terms.rate)} a year; ${formatBps(terms.premiumBps)} of the interest is the underwriter's.`,
      ...assets.flatMap((asset) => describeAsset(asset, { currency, since: flags.since })),
      ...describeAhead(ahead, currency),
      ...(terms.ahead === 0n
        ? []
        : [
            `By the terms ${formatAmount(terms.ahead, currency)} are paid before it, and come off what value and revenue carry.`,
          ]),
      carried === null
        ? 'An appraisal is missing or out of date: nothing can be drawn.'
        : `Value and revenue carry ${formatAmount(carried.capacity, currency)}, the value alone ${formatAmount(carried.worth, currency)}; beyond that each unit needs ${formatBps(terms.coverBps)} of stake.`,
      `Your free stake is ${formatAmount(freeStake, currency)}.`,
      signature === null
        ? `Sign it: millrace underwrite ${path} --sign --stake <amount>`
        : 'The terms are signed.',
    ].join('\n'),
  )
}

function describeAsset(
  asset: Evidence & { readonly appraisal: { readonly value: bigint; readonly isFresh: boolean } },
  { currency, since }: { readonly currency: Currency; readonly since: string },
): readonly string[] {
  const amount = (value: bigint) => formatAmount(value, currency)
  const { above } = asset
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)
  const royalties = above.upstream.reduce((sum, { bps }) => sum + bps, 0)
  return [
    '',
    `Asset ${asset.asset}, worth ${amount(asset.appraisal.value)}${asset.appraisal.isFresh ? '' : ' (not fresh)'}`,
    `Earned ${amount(asset.revenue)} in ${since}; ${amount(asset.adjusted)} of it cannot have been the operator's own money. Trailing ${amount(asset.trailingRevenue)}.`,
    `Paid before debt: ${amount(above.costsPerDay)} a day, ${formatBps(royalties)} to ${above.upstream.length} upstream.`,
    ...(asset.payers.length === 0
      ? []
      : [
          formatTable<Payer>(
            [
              { head: 'PAYER', of: ({ payer, contract }) => contract ?? getAddress(payer) },
              { head: 'PAID', of: (payer) => amount(payer.amount), align: 'right' },
              {
                head: 'SHARE',
                of: (payer) => formatBps(Number((payer.amount * 10_000n) / asset.revenue)),
                align: 'right',
              },
              { head: 'PAYMENTS', of: ({ payments }) => String(payments), align: 'right' },
              { head: 'FIRST', of: ({ first }) => day(first) },
              { head: 'LAST', of: ({ last }) => day(last) },
              { head: '', of: ({ isRelated }) => (isRelated ? 'is the borrower or its operator' : '') },
            ],
            asset.payers,
          ),
        ]),
    ...asset.findings.map(({ weight, sentence }) => `${weight}: ${sentence}`),
    '',
  ]
}
