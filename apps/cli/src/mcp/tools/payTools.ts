import { createPayingFetch, type Payment } from '@millrace/pay'
import { MillraceError } from '@millrace/sdk'
import * as z from 'zod'
import { UsageError } from '../../errors/input.ts'
import { formatAmount, parseAmount } from '../../output/amounts.ts'
import { UrlUnreachableError } from '../errors.ts'
import type { McpContext } from '../mcpContext.ts'
import { defineTool, type Tool } from '../tool.ts'

/** Calls that an agent agrees on a price for at once. */
const dealCalls = 100

/** Milliseconds that a paid answer may take. */
const patience = 55_000

/** `fetch_paid_url`: pays for a call where it is asked to. */
export function payTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, limit, channels, batch, deals } = context
  const { deployment, currency } = connection
  const fetchPaidUrl = defineTool({
    name: 'fetch_paid_url',
    title: 'Fetch a paid URL',
    isReadOnly: false,
    description:
      'Calls a URL and pays what it asks by x402 (402 Payment Required), on a channel where the seller has them, else once. Costs money ' +
      'within the budget, and refused with BUDGET_EXCEEDED beyond it; `max_price` refuses what is dearer. With `haggle` it asks for a lower ' +
      'price first, for this and the next calls of the URL; without an agreement the list price counts. Says what was paid.',
    input: z.strictObject({
      url: z.url({ protocol: /^https?$/ }),
      method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
      headers: z.record(z.string(), z.string()).default({}),
      body: z.string().optional(),
      max_price: z.string().optional().describe('Most that the answer may cost, in whole units.'),
      haggle: z.boolean().default(false),
      most_per_call: z
        .string()
        .optional()
        .describe('With `haggle`: most to agree to, in whole units; the seller is not told.'),
      max_bytes: z.int().min(0).max(1_000_000).default(50_000).describe('Most of the answer that is shown.'),
    }),
    output: z.strictObject({
      status: z.int(),
      content_type: z.string().nullable(),
      paid: z.string(),
      list_price: z.string().nullable().describe('Where less was agreed on.'),
      scheme: z.string().nullable(),
      payee: z.string().nullable(),
      transaction: z.string().nullable(),
      receipt: z.string().nullable(),
      body: z.string(),
      is_cut: z.boolean(),
    }),
    async call({ url, method, headers, body, haggle, max_price: most, max_bytes: bytes, ...given }) {
      if (method === 'GET' && body !== undefined)
        throw new UsageError({ message: 'A GET has no body.', remedy: 'Leave `body` out, or choose POST.' })
      const { most_per_call: reserve } = given
      const reservation = reserve === undefined ? {} : { reservation: parseAmount(reserve, currency) }
      const payments: Payment[] = []
      /** Our own errors say more than `fetch` does, whose reason is in its cause. */
      const unreachable = (cause: unknown): never => {
        if (cause instanceof MillraceError) throw cause
        const { message } =
          cause instanceof Error && cause.cause instanceof Error ? cause.cause : (cause as Error)
        throw new UrlUnreachableError({ url, reason: message, cause })
      }
      // One for each call: its price limit is its own, and nothing is paid that was not quoted for it.
      const fetch = createPayingFetch({
        ...{ deployment, currency, budget: limit.budget, channels, deals },
        ...(haggle ? { wish: { ...reservation, calls: dealCalls } } : {}),
        ...(batch === undefined ? {} : { batch }),
        ...{ signer: buyer.account, client: buyer.client },
        ...(most === undefined ? {} : { maxPrice: parseAmount(most, currency) }),
        onPayment: (payment) => payments.push(payment),
      })
      const response = await fetch(url, {
        ...{ method, headers, ...(body === undefined ? {} : { body }) },
        signal: AbortSignal.timeout(patience),
      }).catch(unreachable)
      const { text: shown, isCut } = await readText(response, bytes).catch(unreachable)
      const [payment] = payments
      const deal = payment?.deal
      const value = {
        status: response.status,
        content_type: response.headers.get('content-type'),
        paid: formatAmount(payment?.amount ?? 0n, currency),
        list_price: deal === undefined ? null : formatAmount(deal.listPrice, currency),
        scheme: payment?.scheme ?? null,
        payee: payment?.payee ?? null,
        transaction: payment?.settled?.transaction || null,
        receipt: payment?.receipt ?? response.headers.get('millrace-receipt'),
        body: shown,
        is_cut: isCut,
      }
      const instead = deal === undefined ? '' : ` instead of ${value.list_price}`
      const by = payment === undefined ? '' : `${instead} to ${payment.payee} by ${payment.scheme}`
      return { value, text: `Status ${value.status}, ${value.paid} paid${by}.\n${shown}` }
    },
  })
  return [fetchPaidUrl]
}

/** The first bytes of an answer as text; the rest is not read. */
async function readText(response: Response, most: number): Promise<{ text: string; isCut: boolean }> {
  const reader = response.body?.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  while (reader !== undefined && size <= most) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    size += value.length
  }
  await reader?.cancel()
  return { text: Buffer.concat(chunks).subarray(0, most).toString('utf8'), isCut: size > most }
}
