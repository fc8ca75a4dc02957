import { randomBytes } from 'node:crypto'
import { aboveOf, confirm, getTill, hashLoanTerms, type LoanTerms, setDebt } from '@millrace/sdk'
import {
  type Address,
  bytesToBigInt,
  type Hash,
  isAddressEqual,
  keccak256,
  toHex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import { AssetPledgedError } from '../credit/errors.ts'
import { findPool } from '../credit/findPool.ts'
import { writeLoanFile } from '../credit/loanFile.ts'
import { formatRate, parseBps, parseRate } from '../credit/parts.ts'
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
  const borrower = await openAccount(connection, flags)
  const terms = await readTerms(connection, flags, { ids, currency, borrower })
  const { chainId } = connection.deployment
  // Before anything is pledged: a file that cannot be written ends it here.
  writeLoanFile(of.file, { chainId, pool, desk, terms, signature: null, release: null }, false)
  await pledge(connection, borrower, { ids, pool })
  const loan = hashLoanTerms(terms, { chainId, desk })
  createOutput(flags.json === true).result(
    { loan, file: of.file, pool, terms },
    [
      `Loan ${loan} is written to ${of.file}: up to ${formatAmount(terms.limit, currency)} at ${formatRate(terms.rate)} a year.`,
      `The pool stands in the debt slot of ${ids.length === 1 ? `asset ${ids[0]}` : `assets ${ids.join(', ')}`}.`,
      `Send the file to the underwriter: millrace underwrite ${of.file} --sign`,
    ].join('\n'),
  )
}

async function readTerms(
  connection: Connection,
  flags: ApplyFlags,
  of: { readonly ids: readonly bigint[]; readonly currency: Currency; readonly borrower: OpenAccount },
): Promise<LoanTerms> {
  const { client, deployment } = connection
  const { ids, currency, borrower } = of
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
    ahead: 0n,
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

/** Puts the pool into the debt slots; one that it fills already stays. */
async function pledge(
  { client, deployment }: Connection,
  borrower: OpenAccount,
  { ids, pool }: { readonly ids: readonly bigint[]; readonly pool: Address },
): Promise<void> {
  for (const asset of ids) {
    const { debt } = (await getTill(client, { deployment, asset })).terms
    if (isAddressEqual(debt, pool)) continue
    if (debt !== zeroAddress) throw new AssetPledgedError({ asset, debt })
    await confirm(borrower.client, await setDebt(borrower.client, { deployment, asset, debt: pool }))
  }
}
