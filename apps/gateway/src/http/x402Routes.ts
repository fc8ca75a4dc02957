import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import {
  paymentPayloadSchema,
  paymentRequirementsSchema,
  settleResponseSchema,
  v1PayloadSchema,
  v1RequirementsSchema,
  verifyResponseSchema,
} from '@millrace/pay'
import type { Context } from 'hono'
import { FacilitatorOff } from './errors.ts'
import { faults, json } from './wire.ts'

/** What the routes of x402 are made with. */
export interface X402RoutesOptions {
  /** Answers requests of x402; absent where this gateway settles no payments. */
  readonly facilitate: ((request: Request) => Promise<Response>) | undefined
  readonly charge: (c: Context, cost: number) => void
}

/** What a check or a settlement costs of a client's allowance beside the request itself: each asks the chain often. */
const CHAIN_COST = 4

const v2 = z
  .object({
    x402Version: z.literal(2),
    paymentPayload: paymentPayloadSchema,
    paymentRequirements: paymentRequirementsSchema,
  })
  .openapi('X402Payment')
const v1 = z
  .object({
    x402Version: z.literal(1),
    paymentPayload: v1PayloadSchema,
    paymentRequirements: v1RequirementsSchema,
  })
  .openapi('X402PaymentV1')
const supported = z
  .object({
    kinds: z.array(
      z.object({
        x402Version: z.int(),
        scheme: z.string(),
        network: z.string(),
        extra: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    extensions: z.array(z.string()),
    signers: z.record(z.string(), z.array(z.string())),
  })
  .openapi('X402Supported')
const resources = z
  .object({
    x402Version: z.literal(2),
    items: z.array(
      z.object({
        resource: z.string(),
        type: z.literal('http'),
        x402Version: z.int(),
        accepts: z.array(paymentRequirementsSchema),
        lastUpdated: z.string(),
        metadata: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    pagination: z.object({ limit: z.int(), offset: z.int(), total: z.int() }),
  })
  .openapi('X402Resources')

const routes = [
  {
    method: 'post',
    path: '/x402/verify',
    summary: 'Whether a payment of x402 can be settled now.',
    body: z.union([v2, v1]),
    answer: verifyResponseSchema,
    cost: CHAIN_COST,
  },
  {
    method: 'post',
    path: '/x402/settle',
    summary: 'Settles a payment of x402: once, however often it is asked.',
    body: z.union([v2, v1]),
    answer: settleResponseSchema,
    cost: CHAIN_COST,
  },
  {
    method: 'get',
    path: '/x402/supported',
    summary: 'Schemes and networks on which payments of x402 are settled.',
    answer: supported,
    cost: 0,
  },
  {
    method: 'get',
    path: '/x402/discovery/resources',
    summary: 'What was paid for here and asks to be listed, the last paid first.',
    query: z.object({
      type: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(100).default(20),
      offset: z.coerce.number().int().min(0).default(0),
    }),
    answer: resources,
    cost: 0,
  },
] as const

/** Adds the routes of x402's facilitator. They answer in the form of x402, refusals included. */
export function x402Routes(app: OpenAPIHono, { facilitate, charge }: X402RoutesOptions): void {
  for (const route of routes) {
    app.openAPIRegistry.registerPath({
      method: route.method,
      path: route.path,
      summary: route.summary,
      request: {
        ...('query' in route ? { query: route.query } : {}),
        ...('body' in route
          ? { body: { required: true, content: { 'application/json': { schema: route.body } } } }
          : {}),
      },
      responses: { 200: json(route.answer, 'Done, or refused with a reason'), ...faults },
    })
    app.on(route.method.toUpperCase(), route.path, async (c) => {
      if (facilitate === undefined) throw new FacilitatorOff()
      charge(c, route.cost)
      return facilitate(c.req.raw)
    })
  }
}
