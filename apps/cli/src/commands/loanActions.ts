import {
  borrow,
  cancelLoan,
  confirm,
  drawLoan,
  getLoan,
  getLoanCapacity,
  harvestLoan,
  type LoanTerms,
  pokeLoan,
  repayLoan,
  signLoanRelease,
  signLoanTerms,
} from '@millrace/sdk'
import { isAddressEqual, zeroAddress } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import { describeAhead } from '../credit/describeAhead.ts'
import { LoanUnreleasedError, LoanUnsignedError, NotTheUnderwriterError } from '../credit/errors.ts'
import { allowModule, findPool } from '../credit/findPool.ts'
import { isStale } from '../credit/isStale.ts'
import { leave } from '../credit/leave.ts'
import { readLoanFile, writeLoanFile } from '../credit/loanFile.ts'
import { formatRate } from '../credit/parts.ts'
import { readAhead } from '../credit/readStanding.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'

export interface SignLoanFlags extends GlobalFlags {
  readonly total?: string
  readonly valid: string
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
    if (isStale(error)) return null
    throw error
  })
  const ahead = await readAhead(connection, { pool, assets: terms.collateral.map(({ asset }) => asset) })
  const amount = (value: bigint) => formatAmount(value, currency)
  const date = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)
  createOutput(flags.json === true).result(
    { loan, pool, isSigned: file.signature !== null, ...state, capacity: carried, ahead },
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
      ...describeAhead(ahead, currency),
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

export async function cancel(path: string, flags: GlobalFlags): Promise<void> {
  const { connection, file } = await openLoan(path, flags)
  const { loan, pool, desk, terms } = file
  const sender = await openAccount(connection, flags)
  const transaction = await cancelLoan(sender.client, { desk, terms })
  await confirm(sender.client, transaction)
  const assets = terms.collateral.map(({ asset }) => asset)
  const freed: bigint[] = []
  for (const asset of assets) if (await leave(connection, sender, { asset, pool })) freed.push(asset)
  createOutput(flags.json === true).result(
    { loan, freed, transaction },
    freed.length === assets.length
      ? `Called off. ${assets.length === 1 ? 'Its asset is' : 'Its assets are'} free: the debt slot is empty.`
      : 'Called off. The pool stands on its assets no more; others do: millrace loan ranks <asset>',
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
