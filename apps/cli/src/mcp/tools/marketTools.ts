import * as z from 'zod'
import { planJob } from '../../jobs/planJob.ts'
import { findOffers } from '../../offers/findOffers.ts'
import { formatAmount } from '../../output/amounts.ts'
import { formatDuration } from '../../output/durations.ts'
import { jobInputSchema, readJob } from '../jobInput.ts'
import type { McpContext } from '../mcpContext.ts'
import { leftOf } from '../spendingLimit.ts'
import { defineTool, type Tool } from '../tool.ts'

const offerSchema = z.strictObject({
  offer: z.string().describe('Id.'),
  asset: z.string(),
  price_per_hour: z.string(),
  gpu: z.string().nullable(),
  gpus: z.number(),
  gpu_memory_gib: z.number().nullable(),
  cpus: z.number(),
  memory_gib: z.number(),
  disk_gib: z.number(),
  region: z.string().nullable(),
  network: z.string(),
  reliability: z.number().nullable(),
  verified: z.boolean(),
  longest_hours: z.number(),
})

/** `search_offers`, `quote`: what can be hired, and what a job would cost. */
export function marketTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, limit } = context
  const searchOffers = defineTool({
    name: 'search_offers',
    title: 'Search offers',
    isReadOnly: true,
    description:
      'Lists machines that can be hired now, cheapest first. Query such as `gpu_name=H100 num_gpus>=1 price<2.5`; fields: gpu_name ' +
      'num_gpus gpu_ram cpu_cores cpu_ram disk price region network runner arch reliability duration verified asset operator id. ' +
      'Costs nothing.',
    input: z.strictObject({
      query: z.string().default('').describe('Empty for all.'),
      order: z.string().default('price').describe('Fields to sort by, `-` behind one for descending.'),
      limit: z.int().min(1).max(50).default(10),
    }),
    output: z.strictObject({ offers: z.array(offerSchema) }),
    async call({ query, order, limit: most }) {
      const { offers } = await findOffers(connection, {
        ...{ query, order, limit: most },
        buyer: buyer.account.address,
      })
      const value = offers.map(({ listing, row, currency }) => ({
        offer: listing.id,
        asset: listing.published.offer.asset.toString(),
        price_per_hour: formatAmount(listing.published.offer.pricePerHour, currency),
        gpu: row.gpu_name,
        gpus: row.num_gpus ?? 0,
        gpu_memory_gib: row.gpu_ram,
        cpus: row.cpu_cores ?? 0,
        memory_gib: row.cpu_ram ?? 0,
        disk_gib: row.disk ?? 0,
        region: row.region,
        network: listing.published.spec.network,
        reliability: row.reliability,
        verified: row.verified === true,
        longest_hours: row.duration ?? 0,
      }))
      const lines = value.map(
        (offer) =>
          `${offer.offer.slice(0, 10)}: ${offer.gpus === 0 ? '' : `${offer.gpus} × ${offer.gpu}, `}${offer.cpus} CPUs, ${offer.memory_gib.toFixed(1)} GiB, ${offer.region ?? 'no region'}, ${offer.price_per_hour}/h`,
      )
      return { value: { offers: value }, text: lines.join('\n') || 'No machine fits.' }
    },
  })
  const quote = defineTool({
    name: 'quote',
    title: 'Quote a job',
    isReadOnly: true,
    description:
      'Says which machine a job would run on, the most that it can cost, and whether the budget allows it. Takes what hire_and_run ' +
      'takes. Costs nothing.',
    input: jobInputSchema,
    output: z.strictObject({
      offer: z.string(),
      asset: z.string(),
      price_per_hour: z.string(),
      seconds: z.int(),
      most: z.string().describe('Most that it can cost; what is not used comes back.'),
      reason: z.string(),
      within_budget: z.boolean(),
      budget_left: z.string(),
    }),
    async call(input) {
      const { task, where = '', order = 'price', duration = 3600 } = readJob(input, context.folder)
      const plan = await planJob(connection, {
        account: buyer.account.address,
        needs: task.needs,
        ...{ where, order, duration },
        banned: new Set(),
      })
      const [{ offer, duration: seconds, maxCost }] = plan.candidates
      const { pricePerHour, asset } = offer.listing.published.offer
      const left = leftOf(limit)
      const allowed = left < limit.perPayment ? left : limit.perPayment
      const isWithin = maxCost <= allowed && offer.currency.address === connection.currency.address
      const value = {
        offer: offer.listing.id,
        asset: asset.toString(),
        price_per_hour: formatAmount(pricePerHour, offer.currency),
        seconds,
        most: formatAmount(maxCost, offer.currency),
        reason: plan.reason,
        within_budget: isWithin,
        budget_left: formatAmount(left, connection.currency),
      }
      const text = `Offer ${value.offer.slice(0, 10)} of asset ${asset}, ${plan.reason}: ${value.price_per_hour}/h, at most ${value.most} for ${formatDuration(seconds)}. ${isWithin ? 'The budget allows it' : 'The budget does not allow it'}: ${value.budget_left} left, at most ${formatAmount(limit.perPayment, connection.currency)} a payment.`
      return { value, text }
    },
  })
  return [searchOffers, quote]
}
