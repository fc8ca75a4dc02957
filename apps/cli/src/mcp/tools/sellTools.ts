import type { Payee } from '@millrace/pay'
import { getAsset } from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import * as z from 'zod'
import { UsageError } from '../../errors/input.ts'
import { formatAmount, parseAmount } from '../../output/amounts.ts'
import { payeeName } from '../../selling/sellFiles.ts'
import { AssetForeignError } from '../errors.ts'
import type { McpContext } from '../mcpContext.ts'
import type { Service } from '../openServices.ts'
import { defineTool, type Tool } from '../tool.ts'

const serviceSchema = z.strictObject({
  service: z.string().describe('Id.'),
  url: z.string().describe('Where buyers call it.'),
  upstream: z.string(),
  price: z.string().describe('Of a call.'),
  payee: z.string(),
  calls: z.int().describe('Charged since it began.'),
  earned: z.string(),
})

/** `sell_service`, `list_services`, `stop_service`: what an agent sells. */
export function sellTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, services } = context
  const { client, deployment, currency } = connection
  const shown = ({ id, url, upstream, price, payee, calls, charged }: Service) => ({
    ...{ service: id, url, upstream, price: formatAmount(price, currency) },
    ...{ payee: payeeName(payee), calls, earned: formatAmount(charged, currency) },
  })

  /** Whoever writes the prompt must not be able to have the earnings sent elsewhere. */
  async function payeeOf(text: string | undefined): Promise<Payee> {
    const { address } = buyer.account
    if (text === undefined) return { account: address }
    const id = BigInt(text)
    const asset = await getAsset(client, { deployment, asset: id })
    if (asset === null || !(isAddressEqual(asset.owner, address) || isAddressEqual(asset.operator, address)))
      throw new AssetForeignError({ asset: id, account: address })
    return { asset: id }
  }

  const sell = defineTool({
    name: 'sell_service',
    title: 'Sell a service',
    isReadOnly: false,
    description:
      'Puts a price before an HTTP server of this machine: whoever calls the new URL pays for each call by x402. Earnings go to the ' +
      'till of an asset of this account, or to the account. It goes on until stop_service, or until this server ends. Costs the coins of claims.',
    input: z.strictObject({
      upstream: z
        .url({ protocol: /^https?$/ })
        .describe('The server on this machine, http://127.0.0.1:3000.'),
      price: z.string().describe('Of a call, in whole units: 0.001.'),
      floor: z
        .string()
        .optional()
        .describe('Haggles with buyers on channels, down to this price of a call; no buyer is told.'),
      asset: z
        .string()
        .regex(/^\d{1,19}$/)
        .optional()
        .describe('Asset that earns; without it the account does.'),
      port: z.int().min(0).max(65_535).default(0).describe('Port to sell at; 0 for any.'),
    }),
    output: serviceSchema,
    async call({ upstream, price: text, floor: least, asset, port }) {
      if (!loopback.has(new URL(upstream).hostname))
        throw new UsageError({
          message: `'${upstream}' is not a server of this machine.`,
          remedy: 'Give a URL at 127.0.0.1, [::1] or localhost.',
        })
      const price = parseAmount(text, currency)
      if (price === 0n)
        throw new UsageError({
          message: 'A service that costs nothing is not sold.',
          remedy: 'Give a price.',
        })
      const floor = least === undefined ? null : parseAmount(least, currency)
      if (floor !== null && (floor === 0n || floor >= price))
        throw new UsageError({
          message: `A floor of ${least} is not above 0 and below the price of ${text}.`,
          remedy: 'Name less, or leave it out: then nobody haggles.',
        })
      const payee = await payeeOf(asset)
      const value = shown(await services.sell({ upstream, price, floor, payee, port }))
      const said = `Service ${value.service} sells ${upstream} at ${value.url} for ${value.price} a call, paid to ${value.payee}.`
      return { value, text: said }
    },
  })
  const list = defineTool({
    name: 'list_services',
    title: 'List services that are sold',
    isReadOnly: true,
    description: 'Lists what this server sells, and what each service has earned. Costs nothing.',
    input: z.strictObject({}),
    output: z.strictObject({ services: z.array(serviceSchema) }),
    async call() {
      const value = services.list().map(shown)
      const lines = value.map(
        ({ service, url, price, calls, earned }) =>
          `${service}: ${url}, ${price} a call, ${calls} calls, ${earned} earned`,
      )
      return { value: { services: value }, text: lines.join('\n') || 'Nothing is sold.' }
    },
  })
  const stop = defineTool({
    name: 'stop_service',
    title: 'Stop selling a service',
    isReadOnly: false,
    description:
      'Ends a service. With the last one of a payee, all that is due on channels is claimed. Costs the coins of the claim.',
    input: z.strictObject({ service: z.string().min(1) }),
    output: serviceSchema.extend({ unclaimed: z.string().describe('Of the payee, to be claimed later.') }),
    async call({ service: id }) {
      const { service, unclaimed } = await services.stop(id)
      const value = { ...shown(service), unclaimed: formatAmount(unclaimed, currency) }
      const rest = unclaimed === 0n ? '' : ` ${value.unclaimed} are to be claimed: millrace channel claim.`
      return { value, text: `Service ${id} ended: ${value.calls} calls, ${value.earned} earned.${rest}` }
    },
  })
  return [sell, list, stop]
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]'])
