import { ChainUnreachableError, MillraceError } from '@millrace/sdk'
import * as z from 'zod'
import { networkOfV1 } from '../wire/networks.ts'
import {
  type PaymentPayload,
  type PaymentRequirements,
  paymentPayloadSchema,
  paymentRequirementsSchema,
} from '../wire/x402.ts'
import {
  fromV1Requirements,
  toV1SettleResponse,
  v1PayloadSchema,
  v1RequirementsSchema,
} from '../wire/x402v1.ts'
import type { Facilitator } from './openFacilitator.ts'
import type { ResourceCatalogue } from './resources.ts'

export interface FacilitatorHandlerOptions {
  readonly facilitator: Facilitator
  /** What is listed; nothing by default. */
  readonly catalogue?: ResourceCatalogue
}

/** Most bytes of a body that are read: claims on a hundred channels are some 80 KiB. */
const maxBodyBytes = 131_072

/** What a receiver orders has no time limit: the packages of x402 say 0. */
const orderedSchema = paymentRequirementsSchema.extend({ maxTimeoutSeconds: z.int().min(0) })
const v2Schema = z.object({
  x402Version: z.literal(2),
  paymentPayload: paymentPayloadSchema.extend({ accepted: orderedSchema }),
  paymentRequirements: orderedSchema,
})
const v1Schema = z.object({
  x402Version: z.literal(1),
  paymentPayload: v1PayloadSchema,
  paymentRequirements: v1RequirementsSchema,
})
const bodySchema = z.discriminatedUnion('x402Version', [v2Schema, v1Schema])
const pageSchema = z.object({
  type: z.string().max(32).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  offset: z.coerce.number().int().min(0).default(0),
})

interface Problem {
  readonly problem: string
  readonly status: 400 | 413
}

interface Asked {
  readonly version: 1 | 2
  readonly payment: PaymentPayload
  readonly requirements: PaymentRequirements
}

/**
 * Serves a facilitator over HTTP: `POST /verify`, `POST /settle`, `GET /supported`, `GET /discovery/resources`, with
 * bodies of x402 v1 and v2. Paths are matched by their end, so that it can be mounted anywhere.
 *
 * @param options The facilitator, and what it lists.
 * @returns A handler of web requests.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/x402-specification-v2.md
 * @example
 * const handle = facilitatorHandler({ facilitator })
 * app.all('/facilitator/*', (context) => handle(context.req.raw))
 */
export function facilitatorHandler(
  options: FacilitatorHandlerOptions,
): (request: Request) => Promise<Response> {
  const { facilitator, catalogue } = options

  async function verify(request: Request): Promise<Response> {
    const asked = await readAsked(request)
    if ('problem' in asked)
      return json(
        { isValid: false, invalidReason: 'invalid_payload', invalidMessage: asked.problem },
        asked.status,
      )
    try {
      return json(await facilitator.verify(asked.payment, asked.requirements))
    } catch (error) {
      const failure = explain(error)
      return json(
        { isValid: false, invalidReason: 'unexpected_verify_error', invalidMessage: failure.message },
        failure.status,
      )
    }
  }

  async function settle(request: Request): Promise<Response> {
    const asked = await readAsked(request)
    if ('problem' in asked)
      return json(
        {
          success: false,
          transaction: '',
          network: '',
          errorReason: 'invalid_payload',
          errorMessage: asked.problem,
        },
        asked.status,
      )
    const { version, payment, requirements } = asked
    try {
      const settled = await facilitator.settle(payment, requirements)
      if (settled.success) await note(payment, requirements)
      return json(version === 1 ? toV1SettleResponse(settled) : settled)
    } catch (error) {
      const { network } = requirements
      const { status, message } = explain(error)
      const failed = { success: false, transaction: '', network }
      return json({ ...failed, errorReason: 'unexpected_settle_error', errorMessage: message }, status)
    }
  }

  /** A settled payment stays settled, whatever becomes of the list. */
  async function note(payment: PaymentPayload, requirements: PaymentRequirements): Promise<void> {
    if (payment.resource === undefined || payment.extensions?.bazaar === undefined) return
    await catalogue?.note(payment.resource, requirements).catch(() => undefined)
  }

  async function discover(url: URL): Promise<Response> {
    const read = pageSchema.safeParse(Object.fromEntries(url.searchParams))
    if (!read.success) return json({ error: 'limit is 1 to 100, offset 0 or more' }, 400)
    const { type, ...page } = read.data
    const isHttp = type === undefined || type === 'http'
    try {
      const { items, total } = (isHttp ? await catalogue?.list(page) : undefined) ?? { items: [], total: 0 }
      return json({ x402Version: 2, items, pagination: { ...page, total } })
    } catch (error) {
      const { status, message } = explain(error)
      return json({ error: message }, status)
    }
  }

  return async (request) => {
    const url = new URL(request.url)
    const route = `${request.method} ${url.pathname}`
    if (/^POST .*\/verify$/.test(route)) return verify(request)
    if (/^POST .*\/settle$/.test(route)) return settle(request)
    if (/^GET .*\/supported$/.test(route)) return json(await facilitator.supported())
    if (/^GET .*\/discovery\/resources$/.test(route)) return discover(url)
    return json({ error: `no route ${route}` }, 404)
  }
}

async function readAsked(request: Request): Promise<Asked | Problem> {
  const text = await readText(request)
  if (text === null) return { problem: `the body is longer than ${maxBodyBytes} bytes`, status: 413 }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'the body is no JSON', status: 400 }
  }
  const body = bodySchema.safeParse(value)
  if (!body.success)
    return {
      problem: body.error.issues.map(({ path, message }) => `'${path.join('.')}': ${message}`).join('; '),
      status: 400,
    }
  if (body.data.x402Version === 2) {
    const { paymentPayload, paymentRequirements } = body.data
    return { version: 2, payment: paymentPayload, requirements: paymentRequirements }
  }
  const { paymentPayload, paymentRequirements } = body.data
  const requirements = fromV1Requirements(paymentRequirements)
  const { scheme, network, payload } = paymentPayload
  const accepted = { ...requirements, scheme, network: networkOfV1(network) ?? network }
  return { version: 1, payment: { x402Version: 2, accepted, payload }, requirements }
}

async function readText(request: Request): Promise<string | null> {
  let text = ''
  let bytes = 0
  const decoder = new TextDecoder()
  for await (const piece of request.body ?? []) {
    bytes += piece.length
    if (bytes > maxBodyBytes) return null
    text += decoder.decode(piece, { stream: true })
  }
  return text + decoder.decode()
}

/** A chain that does not answer is 503, to be asked again; anything else that was not foreseen is 500 and says nothing. */
function explain(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof ChainUnreachableError || (error instanceof MillraceError && error.retryable))
    return { status: 503, message: error.message }
  if (error instanceof MillraceError) return { status: 500, message: error.message }
  return { status: 500, message: 'an unexpected error' }
}

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
