import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { assetName } from '../chain/noteMoves.ts'
import { getAsset } from '../chain/queries.ts'
import type { Database } from '../database/Database.ts'
import type { Examination } from '../evidence/examinerOrders.ts'
import type { Ledgers } from '../evidence/openLedgers.ts'
import { type IndexedMeter, readMeter } from '../evidence/readMeter.ts'
import { AssetNotIndexed, PeriodInvalid } from './errors.ts'
import { mount } from './mount.ts'
import * as wire from './wire.ts'

/** What an examination costs of a client's allowance, in requests: it may keep its thread for seconds. */
const COST = 20
const DAY = 86_400
const MOST_DAYS = 100
const MOST_RELATED = 20

const share = z.number().min(0).max(1)
const step = z.object({
  log: z.string().openapi({ description: 'Block and position of the log', example: '1204-3' }),
  time: wire.seconds,
  from: z.string().openapi({ description: 'An address, or an asset', example: 'asset 7' }),
  to: z.string(),
  amount: wire.amount,
})
const finding = z
  .object({
    type: z.string(),
    weight: z.enum(['high', 'medium', 'low']),
    share,
    sentence: z.string(),
    evidence: z.array(z.object({ amount: wire.amount, steps: z.array(step) })),
    more: z.int().openapi({ description: 'Paths beyond those shown' }),
  })
  .openapi('RevenueFinding')
const named = z.object({ account: z.string(), share }).nullable()
const evidence = z
  .object({
    asset: wire.amount,
    currency: wire.address,
    related: z.array(wire.address),
    from: wire.seconds,
    to: wire.seconds,
    indexedUntil: wire.seconds,
    payments: z.int(),
    revenue: wire.amount,
    adjusted: wire.amount.openapi({ description: 'Revenue that cannot have come from related accounts' }),
    fundableShare: share.openapi({ description: 'The most that related accounts can have paid' }),
    circularShare: share.openapi({ description: 'What did come round within 30 days' }),
    cycled: z.array(z.object({ window: z.string(), amount: wire.amount, share })),
    signals: z.object({
      payers: z.int(),
      payerConcentration: share,
      largestPayer: named,
      newPayers: share,
      commonFunder: named,
      reciprocal: share,
      round: share,
      regular: share,
    }),
    meter: z
      .object({
        leases: z.int().openapi({ description: 'Settled in the period' }),
        paidSeconds: z.number().openapi({ description: 'Machine seconds that they sold' }),
        paid: wire.amount.openapi({ description: 'Revenue from them' }),
        supported: share.openapi({ description: 'Share of these seconds that readings support' }),
        challenges: z
          .object({ passed: z.int(), asked: z.int() })
          .nullable()
          .openapi({ description: "This gateway's capacity challenges of the device; null if none" }),
        unread: z
          .array(z.enum(['receipts', 'capacity', 'challenges', 'energy']))
          .openapi({ description: 'What nobody reads here' }),
      })
      .openapi({ description: 'Paid machine time beside what is known of the machine' }),
    findings: z.array(finding),
  })
  .openapi('RevenueEvidence')

/** Adds the route that shows where an asset's revenue came from. */
export function evidenceRoutes(
  app: OpenAPIHono,
  options: {
    readonly database: Database
    readonly ledgers: Ledgers
    readonly timeoutMs: number
    readonly charge: (c: Context<{ Bindings: HttpBindings }>, cost: number) => void
  },
): void {
  const { database, ledgers, timeoutMs, charge } = options
  mount(
    app,
    {
      method: 'get',
      path: '/v1/assets/{id}/evidence',
      summary: "How much of an asset's revenue can have been its operator's own money, with the paths of it.",
      params: z.object({ id: wire.read.asset }),
      query: z.object({
        from: z.coerce
          .number()
          .int()
          .min(0)
          .optional()
          .openapi({ description: 'Unix seconds; 30 days before `to`' }),
        to: z.coerce
          .number()
          .int()
          .min(0)
          .optional()
          .openapi({ description: "Unix seconds, not included; the end of the index's day" }),
        related: z
          .string()
          .transform((text) => text.split(','))
          .pipe(z.array(wire.read.address).max(MOST_RELATED))
          .optional()
          .openapi({
            type: 'string',
            description: `At most ${MOST_RELATED} more accounts that belong to owner or operator, by commas`,
          }),
      }),
      answer: evidence,
      handle: async ({ params: { id }, query, c }) => {
        charge(c, COST)
        const asset = await getAsset(database, id)
        if (asset === undefined) throw new AssetNotIndexed(id.toString())
        const { examine, time } = await ledgers.of(asset.currency)
        // Until the day is over, so that whoever asks again that day asks the same.
        const to = query.to ?? (Math.floor(time / DAY) + 1) * DAY
        const from = query.from ?? Math.max(0, to - 30 * DAY)
        if (from >= to || to - from > MOST_DAYS * DAY)
          throw new PeriodInvalid({ from, to, mostDays: MOST_DAYS })
        const named = [asset.owner, asset.operator, ...(query.related ?? [])]
        const related = [...new Set(named.map((account) => account.toLowerCase()))].sort()
        const meter = await readMeter(database, { asset: id, device: asset.device, from, to })
        const question = { asset: assetName(id), related, from, to }
        const report = await examine({ question, meter: meter.reading })
        return c.json({
          asset: id.toString(),
          currency: asset.currency,
          related,
          indexedUntil: time,
          ...reportJson(report),
          meter: meterJson(meter, report),
        } satisfies z.input<typeof evidence>)
      },
    },
    timeoutMs,
  )
}

function meterJson({ leases, challenges, reading }: IndexedMeter, { meter }: Examination) {
  return {
    ...{ leases, challenges, paidSeconds: reading.paidSeconds, paid: (reading.paid ?? 0n).toString() },
    supported: meter?.supported ?? 1,
    unread: [...(meter?.unread ?? [])],
  }
}

function reportJson(report: Examination) {
  const { from, to, fundableShare, circularShare, signals } = report
  return {
    from,
    to,
    payments: report.payments,
    revenue: report.revenue.toString(),
    adjusted: report.adjusted.toString(),
    fundableShare,
    circularShare,
    cycled: report.cycled.map(({ window, amount, share }) => ({ window, amount: amount.toString(), share })),
    signals,
    findings: report.findings.map(({ type, weight, share, sentence, evidence, more }) => ({
      ...{ type, weight, share, sentence, more },
      evidence: evidence.map(({ amount, steps }) => ({
        amount: amount.toString(),
        steps: steps.map(({ id, time, from, to, amount }) => ({
          log: id,
          time,
          from,
          to,
          amount: amount.toString(),
        })),
      })),
    })),
  }
}
