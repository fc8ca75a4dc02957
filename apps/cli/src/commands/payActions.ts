import { readFileSync } from 'node:fs'
import { type CallDeal, createCallDeals, createPayingFetch, digestRequest, type Payment } from '@millrace/pay'
import { MillraceError } from '@millrace/sdk'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { parseDuration } from '../output/durations.ts'
import { toJson } from '../output/output.ts'
import { PayUrlDownError } from '../paying/errors.ts'
import { inUnits } from '../paying/inUnits.ts'
import { openPurse } from '../paying/openPurse.ts'
import type { GlobalFlags } from './flags.ts'

export interface PayFlags extends GlobalFlags {
  readonly method?: string
  readonly data?: string
  readonly header?: readonly string[]
  readonly max: string
  readonly budget?: string
  readonly deposit?: string
  readonly lock: string
  readonly haggle?: boolean
  readonly reserve?: string
}

/** Calls a URL, pays if it asks to be paid, prints the answer's body, and on stderr what it cost. */
export async function payUrl(url: string, flags: PayFlags): Promise<void> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError({ message: `'${url}' is not an HTTP address.` })
  const headers = new Headers(flags.header?.map(readHeader))
  const body = flags.data === undefined ? undefined : readData(flags.data)
  const method = flags.method?.toUpperCase() ?? (body === undefined ? 'GET' : 'POST')
  if (body !== undefined && ['GET', 'HEAD'].includes(method))
    throw new UsageError({ message: `A ${method} request has no body.`, remedy: 'Leave out `--data`.' })
  if (flags.reserve !== undefined && flags.haggle !== true)
    throw new UsageError({
      message: '`--reserve` says how far to go in a haggle, and `--haggle` is not given.',
      remedy: 'Add `--haggle`, or limit the list price with `--max`.',
    })
  const connection = await connect(flags)
  const { deployment, currency, client } = connection
  const reserve = flags.reserve === undefined ? {} : { reservation: parseAmount(flags.reserve, currency) }
  const maxPrice = parseAmount(flags.max, currency)
  const perDay = flags.budget === undefined ? undefined : parseAmount(flags.budget, currency)
  const maxDeposit = flags.deposit === undefined ? undefined : parseAmount(flags.deposit, currency)
  const maxWithdrawDelay = parseDuration(flags.lock)
  const payer = await openAccount(connection, flags)
  const purse = await openPurse(connection, { payer, perDay, maxDeposit, perPayment: maxPrice })
  const payments: Payment[] = []
  try {
    const { budget, channels, batch } = purse
    const call = await purse.calls.begin(digestRequest({ method, url, body: bytesOf(body) }))
    if (!headers.has(keyHeader)) headers.set(keyHeader, call.key)
    const deals = createCallDeals({ deployment, currency, client, signer: payer.account })
    const send = createPayingFetch({
      ...{ deployment, currency, budget, channels, maxPrice, maxWithdrawDelay },
      ...(flags.haggle === true ? { deals, wish: { ...reserve, calls: 1 } } : {}),
      ...(batch === null ? {} : { batch }),
      ...{ signer: payer.account, client },
      onPayment: (payment) => payments.push(payment),
    })
    const response = await ask(url, () =>
      send(url, { method, headers, ...(body === undefined ? {} : { body }) }),
    )
    const bytes = Buffer.from(await ask(url, () => response.arrayBuffer()))
    const [payment] = payments
    const [deal = null] = deals.all()
    if (flags.haggle === true && flags.json !== true) process.stderr.write(`${sayDeal(deal)}\n`)
    const paid =
      payment === undefined
        ? null
        : {
            amount: payment.amount,
            currency: currency.symbol,
            scheme: payment.scheme,
            payee: payment.payee,
            transaction: payment.settled?.transaction ?? '',
            receipt: response.headers.get('millrace-receipt'),
          }
    const { inPeriod } = purse.budget.state()
    if (flags.json === true) {
      const text = bytes.toString('utf8')
      const content = Buffer.from(text).equals(bytes)
        ? { body: text }
        : { bodyBase64: bytes.toString('base64') }
      const spent = { perDay: purse.perDay, spentInDay: inPeriod }
      const agreed = flags.haggle === true ? { deal: deal === null ? null : dealToJson(deal) } : {}
      const said = { url, status: response.status, ...content, paid, ...agreed, budget: spent }
      process.stdout.write(`${toJson(said)}\n`)
    } else {
      process.stdout.write(bytes)
      const cost =
        paid === null
          ? 'Nothing was asked for.'
          : `Paid ${formatAmount(paid.amount, currency)} by ${paid.scheme}.`
      const left = `${formatAmount(inPeriod, currency)} of ${formatAmount(purse.perDay, currency)} a day are spent.`
      process.stderr.write(`${bytes.at(-1) === 10 ? '' : '\n'}${cost} ${left}\n`)
      if (response.status >= 400)
        process.stderr.write(`The server answered with status ${response.status}.\n`)
    }
    await call.end()
    // A peer's answer that is not what was asked for.
    if (response.status >= 400) process.exitCode = exitCodes.data
  } catch (error) {
    throw inUnits(error, currency)
  } finally {
    await purse.close()
  }

  function sayDeal(deal: CallDeal | null): string {
    if (deal === null) return 'No lower price was agreed on: the list price counts.'
    const { price, listPrice } = deal
    return `Agreed on ${formatAmount(price, currency)} instead of ${formatAmount(listPrice, currency)}.`
  }
}

/** The deal, and what proves it. */
const dealToJson = ({ id, hash, price, listPrice, terms, messages }: CallDeal) => ({
  ...{ haggle: id, hash, price, listPrice, terms, messages },
})

/** By which a call that is repeated is known to its seller. */
const keyHeader = 'idempotency-key'

const bytesOf = (body: string | Uint8Array | undefined): Uint8Array =>
  typeof body === 'string' ? new TextEncoder().encode(body) : (body ?? new Uint8Array())

async function ask<result>(url: string, work: () => Promise<result>): Promise<result> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new PayUrlDownError({ url, cause })
  }
}

function readHeader(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text)
  if (match === null)
    throw new UsageError({
      message: `'${text}' is not a header.`,
      remedy: "Such as 'accept: text/plain'.",
    })
  return [match[1] ?? '', match[2] ?? '']
}

/** The text itself, or with `@` a file's content. */
function readData(text: string): string | Uint8Array<ArrayBuffer> {
  if (!text.startsWith('@')) return text
  try {
    return new Uint8Array(readFileSync(text.slice(1)))
  } catch (cause) {
    throw new UsageError({
      message: `'${text.slice(1)}' cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
    })
  }
}
