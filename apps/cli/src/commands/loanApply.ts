import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { aboveOf, getTill, hashLoanTerms, type LoanTerms } from '@millrace/sdk'
import { bytesToBigInt, type Hash, keccak256, toHex, zeroAddress, zeroHash } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import { LimitAboveCapError } from '../credit/errors.ts'
import { findPool } from '../credit/findPool.ts'
import { readLoanFile, writeLoanFile } from '../credit/loanFile.ts'
import { formatRate, parseBps, parseRate } from '../credit/parts.ts'
import { planPledges, pledge } from '../credit/planPledges.ts'
import { UsageError } from '../errors/input.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { readAssetId } from './transact.ts'
import { addressOf } from './walletActions.ts'

export interface ApplyFlags extends GlobalFlags {
  readonly asset: readonly string[]
  readonly underwriter: string
  readonly limit: string
  readonly obligor: string
  readonly first?: string
  readonly cap?: string
  readonly replaces?: string
  readonly cluster?: readonly string[]
  readonly vendor?: string
  readonly rate: string
  readonly premium: string
  readonly ramp: string
  readonly term: string
  readonly ltv: string
  readonly multiple: string
  readonly cover: string
  readonly dscr: string
  readonly share: string
  readonly valid: string
}

export async function apply(
  of: { readonly pool: string; readonly file: string },
  flags: ApplyFlags,
): Promise<void> {
  const connection = await connect(flags)
  const { facility: pool, desk, currency: address } = await findPool(connection, of.pool)
  const currency = await connection.currencyOf(address)
  const ids = [...new Set(flags.asset.map(readAssetId))].sort((a, b) => (a < b ? -1 : 1))
  if (ids.length > 8)
    throw new UsageError({ message: `${ids.length} assets are too many.`, remedy: 'Name one to eight.' })
  const replaced = flags.replaces === undefined ? null : readLoanFile(connection, flags.replaces).pool
  const borrower = await openAccount(connection, flags)
  const cap = flags.cap === undefined ? null : parseAmount(flags.cap, currency)
  const plan = await planPledges(connection, { assets: ids, pool, cap, replaced })
  const terms = await readTerms(connection, flags, { ids, currency, borrower, ahead: plan.ahead })
  if (plan.most !== null && terms.limit > plan.most)
    throw new LimitAboveCapError({
      limit: formatAmount(terms.limit, currency),
      cap: formatAmount(plan.most, currency),
    })
  const { chainId } = connection.deployment
  // Before anything is pledged: a file that cannot be written ends it here.
  writeLoanFile(of.file, { chainId, pool, desk, terms, signature: null, release: null }, false)
  try {
    await pledge(connection, borrower, plan.pledges)
  } catch (error) {
    rmSync(of.file, { force: true })
    throw error
  }
  const loan = hashLoanTerms(terms, { chainId, desk })
  const assets = ids.length === 1 ? `asset ${ids[0]}` : `assets ${ids.join(', ')}`
  createOutput(flags.json === true).result(
    { loan, file: of.file, pool, terms, cap: plan.most },
    [
      `Loan ${loan} is written to ${of.file}: up to ${formatAmount(terms.limit, currency)} at ${formatRate(terms.rate)} a year.`,
      plan.most === null
        ? `The pool stands in the debt slot of ${assets}.`
        : `The pool stands on ${assets} with a cap of ${formatAmount(plan.most, currency)}, behind ${terms.ahead === 0n ? 'nobody' : `caps of ${formatAmount(terms.ahead, currency)}`}.`,
      `Send the file to the underwriter: millrace underwrite ${of.file} --sign`,
    ].join('\n'),
  )
}

async function readTerms(
  connection: Connection,
  flags: ApplyFlags,
  of: {
    readonly ids: readonly bigint[]
    readonly currency: Currency
    readonly borrower: OpenAccount
    readonly ahead: bigint
  },
): Promise<LoanTerms> {
  const { client, deployment } = connection
  const { ids, currency, borrower, ahead } = of
  const clusters = (flags.cluster ?? []).map(nameHash)
  if (clusters.length > 3)
    throw new UsageError({
      message: `${clusters.length} clusters are too many.`,
      remedy: 'Name three at most.',
    })
  const limit = parseAmount(flags.limit, currency)
  const now = await chainTime(connection)
  const rampEnd = now + parseDuration(flags.ramp)
  const collateral = await Promise.all(
    ids.map(async (asset) => {
      const { terms } = await getTill(client, { deployment, asset })
      return { asset, above: aboveOf(terms) }
    }),
  )
  return {
    collateral,
    clusters: [clusters[0] ?? zeroHash, clusters[1] ?? zeroHash, clusters[2] ?? zeroHash],
    borrower: borrower.account.address,
    underwriter: addressOf(flags.underwriter),
    vendor: flags.vendor === undefined ? zeroAddress : addressOf(flags.vendor),
    limit,
    firstDraws: flags.first === undefined ? limit : parseAmount(flags.first, currency),
    ahead,
    rate: parseRate(flags.rate, '--rate'),
    premiumBps: parseBps(flags.premium, '--premium'),
    rampEnd,
    maturity: rampEnd + parseDuration(flags.term),
    revenueBps: parseBps(flags.share, '--share'),
    dscrBps: parseBps(flags.dscr, '--dscr', 65_535),
    ltvBps: parseBps(flags.ltv, '--ltv'),
    multipleBps: parseBps(flags.multiple, '--multiple', 2 ** 32 - 1),
    coverBps: parseBps(flags.cover, '--cover', 65_535),
    obligor: nameHash(flags.obligor),
    expiry: now + parseDuration(flags.valid),
    nonce: bytesToBigInt(randomBytes(16)),
  }
}

/** A name as the contracts count it. */
const nameHash = (name: string): Hash => keccak256(toHex(name))
