import * as z from 'zod'
import type { JobEvent } from '../../jobs/events.ts'
import { hagglePlan } from '../../jobs/hagglePlan.ts'
import { unixNow } from '../../jobs/jobContext.ts'
import { type Candidate, type JobPlan, planJob } from '../../jobs/planJob.ts'
import { findOffers } from '../../offers/findOffers.ts'
import { formatAmount } from '../../output/amounts.ts'
import { formatDuration } from '../../output/durations.ts'
import { type JobInput, jobInputSchema, readJob } from '../jobInput.ts'
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

const agreementSchema = z.strictObject({
  agreement: z.string().describe('For `hire_and_run`.'),
  offer: z.string().describe('The listed one that was haggled about.'),
  asset: z.string(),
  price_per_hour: z.string(),
  list_price_per_hour: z.string(),
  seconds: z.int(),
  most: z.string().describe('Most that it can cost; what is not used comes back.'),
  within_budget: z.boolean(),
  open_until: z.int().describe('Unix seconds.'),
})

/** How long an agent may think about what was agreed on, seconds. */
const openSeconds = 600

/** `search_offers`, `quote`, `haggle`: what can be hired, and what a job would cost. */
export function marketTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, limit } = context

  function planOf(input: JobInput): Promise<JobPlan> {
    const { task, where = '', order = 'price', duration = 3600 } = readJob(input, context.folder)
    return planJob(connection, {
      account: buyer.account.address,
      needs: task.needs,
      ...{ where, order, duration },
      banned: new Set(),
    })
  }

  function isWithinBudget({ offer, maxCost }: Candidate): boolean {
    const left = leftOf(limit)
    const allowed = left < limit.perPayment ? left : limit.perPayment
    return maxCost <= allowed && offer.currency.address === connection.currency.address
  }

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
      const plan = await planOf(input)
      const [first] = plan.candidates
      const { offer, duration: seconds, maxCost } = first
      const { pricePerHour, asset } = offer.listing.published.offer
      const left = leftOf(limit)
      const isWithin = isWithinBudget(first)
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
  const haggle = defineTool({
    name: 'haggle',
    title: 'Haggle for a lower price',
    isReadOnly: true,
    description:
      'Haggles with the best machines that fit, all at once, for a price below the list price. Takes what hire_and_run takes; hand the ' +
      '`agreement` to hire_and_run in time to hire at that price. Costs nothing, and binds you to nothing.',
    input: jobInputSchema.extend({
      most_per_hour: z
        .string()
        .regex(/^\d+(\.\d+)?$/)
        .optional()
        .describe('Most to agree to, in whole units; no machine is told. Default: the best list price.'),
    }),
    output: z.strictObject({
      agreements: z.array(agreementSchema).describe('The best price first.'),
      refusals: z.array(z.strictObject({ offer: z.string(), reason: z.string() })),
      list_price_per_hour: z.string().describe('Of the best offer, which counts without an agreement.'),
    }),
    async call({ most_per_hour: reserve = null, ...job }) {
      const listed = await planOf(job)
      const heard: (JobEvent & { readonly event: 'haggled' })[] = []
      const { candidates } = await hagglePlan(connection, listed, {
        ...{ buyer, reserve, openSeconds },
        emit: (event) => {
          if (event.event === 'haggled') heard.push(event)
        },
      })
      const agreed = candidates.filter(({ haggle }) => haggle !== undefined)
      context.agreements.keep(agreed)
      const [{ offer: best }] = listed.candidates
      const listPrice = formatAmount(best.listing.published.offer.pricePerHour, best.currency)
      const agreements = agreed.map((candidate) => {
        const { offer, duration, maxCost } = candidate
        const { id, published } = offer.listing
        const about = heard.find(({ lease }) => lease === id)
        return {
          agreement: id,
          offer: about?.offer ?? best.listing.id,
          asset: published.offer.asset.toString(),
          price_per_hour: formatAmount(published.offer.pricePerHour, offer.currency),
          list_price_per_hour:
            about === undefined ? listPrice : formatAmount(about.listPricePerHour, offer.currency),
          seconds: duration,
          most: formatAmount(maxCost, offer.currency),
          within_budget: isWithinBudget(candidate),
          open_until: published.offer.expiry,
        }
      })
      const refusals = heard
        .filter(({ lease }) => lease === null)
        .map(({ offer, text: reason }) => ({ offer, reason }))
      const lines = [
        ...agreements.map(
          (made) =>
            `Agreement ${made.agreement.slice(0, 10)} with asset ${made.asset}: ${made.price_per_hour}/h instead of ${made.list_price_per_hour}/h, at most ${made.most} for ${formatDuration(made.seconds)}, ${made.within_budget ? 'within' : 'beyond'} the budget. \`hire_and_run\` takes it for the next ${made.open_until - unixNow()} s.`,
        ),
        ...refusals.map(({ offer, reason }) => `Offer ${offer.slice(0, 10)}: ${reason}.`),
        ...(agreements.length === 0 ? [`Nothing was agreed on; the list price is ${listPrice}/h.`] : []),
      ]
      return { value: { agreements, refusals, list_price_per_hour: listPrice }, text: lines.join('\n') }
    },
  })
  return [searchOffers, quote, haggle]
}
