import { randomBytes } from 'node:crypto'
import {
  aboveOf,
  borrow,
  confirm,
  drawLoan,
  getLoan,
  getLoanCapacity,
  getTill,
  harvestLoan,
  hashLoanTerms,
  type LoanTerms,
  MillraceError,
  pokeLoan,
  repayLoan,
  setDebt,
  signLoanRelease,
  signLoanTerms,
} from '@millrace/sdk'
import { bytesToBigInt, type Hash, isAddressEqual, keccak256, toHex, zeroAddress, zeroHash } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import {
  AssetPledgedError,
  LoanUnreleasedError,
  LoanUnsignedError,
  NotTheUnderwriterError,
} from '../credit/errors.ts'
import { allowModule, findPool } from '../credit/findPool.ts'
import { readLoanFile, writeLoanFile } from '../credit/loanFile.ts'
import { formatRate, parseBps, parseRate } from '../credit/parts.ts'
import { UsageError } from '../errors/input.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
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

export interface SignLoanFlags extends GlobalFlags {
  readonly total?: string
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
  { client, deployment, ...connection }: Connection,
  flags: ApplyFlags,
  of: { readonly ids: readonly bigint[]; readonly currency: Currency; readonly borrower: OpenAccount },
): Promise<LoanTerms> {
  const { ids, currency, borrower } = of
  const clusters = (flags.cluster ?? []).map(nameHash)
  if (clusters.length > 3)
    throw new UsageError({
      message: `${clusters.length} clusters are too many.`,
      remedy: 'Name three at most.',
    })
  const limit = parseAmount(flags.limit, currency)
  const now = await chainTime({ client, deployment, ...connection })
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
  { ids, pool }: { readonly ids: readonly bigint[]; readonly pool: `0x${string}` },
): Promise<void> {
  for (const asset of ids) {
    const { debt } = (await getTill(client, { deployment, asset })).terms
    if (isAddressEqual(debt, pool)) continue
    if (debt !== zeroAddress) throw new AssetPledgedError({ asset, debt })
    await confirm(borrower.client, await setDebt(borrower.client, { deployment, asset, debt: pool }))
  }
}

/** The loan of a file, and the currency it is in. */
export async function openLoan(path: string, flags: GlobalFlags) {
  const connection = await connect(flags)
  const file = readLoanFile(connection, path)
  const { currency } = await findPool(connection, file.pool)
  return { connection, file, currency: await connection.currencyOf(currency) }
}

export async function signLoan(path: string, flags: SignLoanFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const signer = await openUnderwriter(connection, flags, file.terms)
  const { loan, ...kept } = file
  if (flags.total === undefined) {
    const signature = await signLoanTerms(signer.account, file.terms, file)
    writeLoanFile(path, { ...kept, signature }, true)
    createOutput(flags.json === true).result(
      { loan, file: path, signature },
      `The terms are signed. The borrower goes on: millrace loan draw ${path} <amount>`,
    )
    return
  }
  const total = parseAmount(flags.total, currency)
  const deadline = (await chainTime(connection)) + parseDuration(flags.valid)
  const { signature } = await signLoanRelease(signer.account, { loan, total, deadline }, file)
  writeLoanFile(path, { ...kept, release: { total, deadline, signature } }, true)
  createOutput(flags.json === true).result(
    { loan, file: path, total, deadline, signature },
    `${formatAmount(total, currency)} in all are released, for ${formatDuration(parseDuration(flags.valid))}.`,
  )
}

/**
 * Opens the wallet of the underwriter that terms name.
 *
 * @throws NotTheUnderwriterError
 */
export async function openUnderwriter(
  connection: Connection,
  flags: GlobalFlags,
  { underwriter }: LoanTerms,
): Promise<OpenAccount> {
  const signer = await openAccount(connection, flags)
  const account = signer.account.address
  if (!isAddressEqual(account, underwriter)) throw new NotTheUnderwriterError({ underwriter, account })
  return signer
}

export async function draw(
  of: { readonly file: string; readonly amount: string },
  flags: GlobalFlags,
): Promise<void> {
  const { connection, file, currency } = await openLoan(of.file, flags)
  const amount = parseAmount(of.amount, currency)
  const { loan, pool, desk, terms, signature, release } = file
  const { state, drawn: before } = await getLoan(connection.client, { facility: pool, loan })
  const isNew = state === 'none'
  if (isNew && signature === null)
    throw new LoanUnsignedError({ path: of.file, underwriter: terms.underwriter })
  const released = release?.total ?? terms.firstDraws
  if (before + amount > (released > terms.firstDraws ? released : terms.firstDraws))
    throw new LoanUnreleasedError({
      path: of.file,
      drawn: formatAmount(before + amount, currency),
      released: formatAmount(released, currency),
    })
  const sender = await openAccount(connection, flags)
  const transaction = isNew
    ? await borrow(sender.client, { desk, terms, signature: signature ?? '0x', amount })
    : await drawLoan(sender.client, {
        ...{ desk, terms, amount },
        ...(release === null ? {} : { release: { ...release, loan } }),
      })
  await confirm(sender.client, transaction)
  const { drawn } = await getLoan(connection.client, { facility: pool, loan })
  const to = terms.vendor === zeroAddress ? terms.borrower : terms.vendor
  createOutput(flags.json === true).result(
    { loan, amount, drawn, to, opened: isNew, transaction },
    `${isNew ? 'Opened. ' : ''}${formatAmount(amount, currency)} drawn into the till account of ${to}; ${formatAmount(drawn, currency)} in all.`,
  )
}

export async function status(path: string, flags: GlobalFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const { loan, pool, desk, terms } = file
  const { client } = connection
  const state = await getLoan(client, { facility: pool, loan })
  const carried = await getLoanCapacity(client, { desk, terms }).catch((error: unknown) => {
    // Without a fresh appraisal nothing more is lent; the loan stands all the same.
    if (error instanceof MillraceError && error.code === 'APPRAISAL_EXPIRED') return null
    throw error
  })
  const amount = (value: bigint) => formatAmount(value, currency)
  const date = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)
  createOutput(flags.json === true).result(
    { loan, pool, isSigned: file.signature !== null, ...state, capacity: carried },
    [
      `Loan ${loan}`,
      state.state === 'none'
        ? `Not opened yet; ${file.signature === null ? 'not signed' : 'signed'}`
        : `${state.state}${state.isSwept ? ', everything is swept to it' : ''}`,
      `Principal  ${amount(state.principal)} of ${amount(state.drawn)} drawn; limit ${amount(terms.limit)}`,
      `Interest   ${amount(state.interest)} at ${formatRate(terms.rate)} a year`,
      `Due now    ${amount(state.due)}`,
      `Stake      ${amount(state.stake)} of ${terms.underwriter}`,
      `Interest only until ${date(terms.rampEnd)}, repaid by ${date(terms.maturity)}`,
      carried === null
        ? 'An appraisal is out of date: nothing more can be drawn.'
        : `Value and revenue carry ${amount(carried.capacity)}`,
    ].join('\n'),
  )
}

export async function repay(
  of: { readonly file: string; readonly amount: string },
  flags: GlobalFlags,
): Promise<void> {
  const { connection, file, currency } = await openLoan(of.file, flags)
  const { loan, pool } = file
  const { client } = connection
  const amount = parseAmount(of.amount, currency)
  const before = await getLoan(client, { facility: pool, loan })
  // Interest goes on until the transaction is mined: an hour of it on top.
  const hour = (before.principal * BigInt(file.terms.rate) * 3_600n) / (1_000_000n * 31_536_000n) + 1n
  const owed = before.principal + before.interest + hour
  const sender = await openAccount(connection, flags)
  const needed = amount < owed ? amount : owed
  await depositShortfall(connection, { buyer: sender, currency, needed })
  await allowModule(connection, sender, pool)
  const transaction = await repayLoan(sender.client, { facility: pool, loan, amount })
  await confirm(sender.client, transaction)
  const after = await getLoan(client, { facility: pool, loan })
  createOutput(flags.json === true).result(
    { loan, state: after.state, principal: after.principal, interest: after.interest, transaction },
    `Repaid. ${after.state === 'closed' ? 'Nothing is owed any more.' : `Owed: ${formatAmount(after.principal + after.interest, currency)}.`}`,
  )
}

export async function poke(path: string, flags: GlobalFlags): Promise<void> {
  const { connection, file } = await openLoan(path, flags)
  const { loan, pool, desk, terms } = file
  const sender = await openAccount(connection, flags)
  const transaction = await pokeLoan(sender.client, { desk, terms })
  await confirm(sender.client, transaction)
  const { state } = await getLoan(connection.client, { facility: pool, loan })
  createOutput(flags.json === true).result({ loan, state, transaction }, `The loan is ${state} now.`)
}

export async function harvest(path: string, flags: GlobalFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const { loan, pool, desk, terms } = file
  const sender = await openAccount(connection, flags)
  const before = await getLoan(connection.client, { facility: pool, loan })
  const transaction = await harvestLoan(sender.client, { desk, terms })
  await confirm(sender.client, transaction)
  const { stake } = await getLoan(connection.client, { facility: pool, loan })
  createOutput(flags.json === true).result(
    { loan, freed: before.stake - stake, stake, transaction },
    `${formatAmount(before.stake - stake, currency)} are free stake of ${terms.underwriter} again.`,
  )
}
