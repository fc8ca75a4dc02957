import type { ClaimEvent, Payee, Price } from '@millrace/pay'
import { openAiGateway, type SoldModel, serveFetch } from '@millrace/pay/openai'
import { getAddress, isAddress } from 'viem'
import { z } from 'zod'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput, type Output } from '../output/output.ts'
import { UpstreamDownError } from '../selling/errors.ts'
import { openShop, type Shop } from '../selling/openShop.ts'
import { type PriceFlags, readFloor, readPrice, requiredOption } from '../selling/readPrice.ts'
import { payeeName } from '../selling/sellFiles.ts'
import { listening, serveUpstream } from '../selling/serveUpstream.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'

export interface SellUpstreamFlags extends SellFlags, PriceFlags {
  readonly skill?: string
  readonly ahead?: boolean
}

export interface SellFlags extends GlobalFlags {
  readonly upstream?: string
  readonly price?: string
  readonly asset?: string
  readonly to?: string
  readonly publicUrl?: string
  readonly claimAt: string
}

export interface SellModelFlags extends SellFlags {
  readonly listen: string
  readonly priceIn?: string
  readonly priceOut?: string
  readonly model?: readonly string[]
  readonly maxInput: number
  readonly maxOutput: number
}

/** Who serves at an address, once it is known how calls are paid. */
type Serve = (shop: Shop) => Promise<{ readonly url: string; close(): Promise<void> }>

export async function sellUpstream(where: string, flags: SellUpstreamFlags): Promise<void> {
  const place = readPlace(where)
  const upstream = readUrl('--upstream', requiredOption('--upstream', flags.upstream))
  const connection = await connect(flags)
  const { currency } = connection
  const { price, text } = readPrice(flags, currency)
  const skill = readSkill(flags, price)
  const offer = readFloor(flags, price, currency)
  const seller = await openAccount(connection, flags)
  const publicUrl = flags.publicUrl === undefined ? null : new URL(readUrl('--public-url', flags.publicUrl))
  const said = offer === null ? text : `${text}, or what is agreed on`
  await keepShop({ connection, seller, flags, price: said }, async (shop) =>
    serveUpstream({
      ...{ place, upstream, price, shop, skill, publicUrl, receipts: seller.account },
      ahead: flags.ahead === true,
      haggling: offer === null ? null : await shop.haggle(() => offer),
    }),
  )
}

export async function sellModels(flags: SellModelFlags): Promise<void> {
  const place = readPlace(flags.listen)
  const upstream = readUrl('--upstream', requiredOption('--upstream', flags.upstream))
  const connection = await connect(flags)
  const { currency } = connection
  const perMillionInput = parseAmount(requiredOption('--price-in', flags.priceIn), currency)
  const perMillionOutput = parseAmount(requiredOption('--price-out', flags.priceOut), currency)
  const perRequest = parseAmount(flags.price ?? '0', currency)
  const { maxInput, maxOutput } = flags
  const ids = flags.model ?? (await listModels(upstream))
  const models = ids.map(
    (id): SoldModel => ({
      ...{ id, maxInput, maxOutput, price: { perRequest, perMillionInput, perMillionOutput } },
    }),
  )
  const seller = await openAccount(connection, flags)
  const price = `${formatAmount(perMillionInput, currency)} in, ${formatAmount(perMillionOutput, currency)} out, a million tokens of ${ids.join(', ')}`
  const named = flags.publicUrl === undefined ? {} : { publicUrl: readUrl('--public-url', flags.publicUrl) }
  await keepShop({ connection, seller, flags, price }, async ({ schemes, calls: kept }) => {
    const gateway = openAiGateway({
      ...{ upstream: { url: upstream }, models, schemes, kept, ...named },
      receipts: seller.account,
    })
    const { url, close } = await listening(place, () => serveFetch(gateway, place))
    return { url: `${named.publicUrl ?? url}/v1`, close }
  })
}

/** Sells until it is told to end: then claims what is due. */
async function keepShop(
  of: {
    readonly connection: Connection
    readonly seller: OpenAccount
    readonly flags: SellFlags
    readonly price: string
  },
  serve: Serve,
): Promise<void> {
  const { connection, seller, flags, price } = of
  const { currency } = connection
  const output = createOutput(flags.json === true)
  const payee = await readPayee(of)
  const shop = await openShop(connection, {
    ...{ payee, seller, claimAt: parseAmount(flags.claimAt, currency) },
    onCharge: ({ scheme, payer, amount }) => output.event({ event: 'charged', scheme, payer, amount }),
    onClaim: (event) => reportClaim(output, event, (amount) => formatAmount(amount, currency)),
  })
  let server: Awaited<ReturnType<Serve>>
  try {
    server = await serve(shop)
  } catch (error) {
    await shop.close()
    throw error
  }
  const name = payeeName(payee)
  output.event({ event: 'selling', url: server.url, payee: name, price, sender: seller.account.address })
  output.line(`Selling at ${server.url} for ${price}.\nPaid to ${name}. Ctrl-C claims what is due and ends.`)
  let told = 0n
  const timer = setInterval(() => {
    const { charged, due } = shop.earnings()
    if (charged === told) return
    told = charged
    output.line(`Earned ${formatAmount(charged, currency)}; ${formatAmount(due, currency)} to be claimed.`)
  }, 5_000)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  clearInterval(timer)
  output.note('Claiming what is due …')
  await server.close()
  await shop.close()
  const { charged, due } = shop.earnings()
  output.result(
    { event: 'ended', payee: name, charged, unclaimed: due, currency: currency.symbol },
    `Earned ${formatAmount(charged, currency)}.${due === 0n ? '' : ` ${formatAmount(due, currency)} could not be claimed yet: millrace channel claim`}`,
  )
  setImmediate(() => process.exit())
}

function reportClaim(output: Output, event: ClaimEvent, format: (amount: bigint) => string): void {
  if (event.event === 'failed') {
    output.event({ ...event, error: event.error.message })
    if (!output.json) output.note(`A claim failed: ${event.error.message}`)
    return
  }
  output.event(event)
  if (event.event === 'claimed') output.line(`Claimed ${format(event.amount)} in ${event.transaction}.`)
  else output.line(`The payer closes channel ${event.channel}: it is claimed first.`)
}

async function readPayee(of: {
  readonly connection: Connection
  readonly seller: OpenAccount
  readonly flags: SellFlags
}): Promise<Payee> {
  const { connection, seller, flags } = of
  const { asset, to } = flags
  if (asset !== undefined && to !== undefined)
    throw new UsageError({ message: 'A call is paid to one: `--asset` and `--to` exclude each other.' })
  if (asset !== undefined) return { asset: (await findAsset(connection, asset)).id }
  if (to === undefined) return { account: seller.account.address }
  if (!isAddress(to)) throw new UsageError({ message: `'${to}' is not an address.` })
  return { account: getAddress(to) }
}

function readSkill({ skill }: SellUpstreamFlags, { metered }: Price): string | null {
  if (skill === undefined) return null
  if (metered !== undefined)
    throw new UsageError({ message: 'An agent is paid by the answer: `--skill` goes with `--price` alone.' })
  if (/^[\w .-]{1,64}$/.test(skill)) return skill
  throw new UsageError({
    message: `'${skill}' is no name of a skill.`,
    remedy: 'Use letters, digits, spaces, dots, dashes and underscores, at most 64.',
  })
}

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string().min(1) })).min(1) })

async function listModels(upstream: string): Promise<readonly string[]> {
  try {
    const response = await fetch(`${upstream.replace(/\/+$/, '')}/models`)
    return modelsSchema.parse(await response.json()).data.map(({ id }) => id)
  } catch (cause) {
    throw new UpstreamDownError({ upstream: `${upstream}/models`, cause })
  }
}

/** Reads `4021`, or `http://127.0.0.1:4021`. */
function readPlace(text: string): { readonly host: string; readonly port: number } {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return { host: '127.0.0.1', port: Number(text) }
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:') return { host: url.hostname, port: url.port === '' ? 80 : Number(url.port) }
  throw new UsageError({
    message: `'${text}' is not where to sell.`,
    remedy: 'Give a port of this machine, such as 4021, or an address such as http://0.0.0.0:4021.',
  })
}

function readUrl(option: string, text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
  throw new UsageError({
    message: `${option} '${text}' is not an HTTP address.`,
    remedy: 'Such as http://127.0.0.1:3000.',
  })
}
