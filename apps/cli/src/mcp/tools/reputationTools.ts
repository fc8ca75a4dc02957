import * as z from 'zod'
import { formatAmount } from '../../output/amounts.ts'
import { readCallReceipt } from '../../receipts/readCallReceipt.ts'
import { findAgent, requireRegistries } from '../../reputation/findAgent.ts'
import { rateAgent } from '../../reputation/rateAgent.ts'
import { formatValue, readReputation } from '../../reputation/readReputation.ts'
import type { McpContext } from '../mcpContext.ts'
import { defineTool, type Tool } from '../tool.ts'

const measure = {
  agent: z.string().min(1).describe('Its id in the registry of ERC-8004, or its address.'),
  tag: z.string().min(1).max(64).default('starred').describe('What is measured.'),
  assets: z
    .array(z.string().regex(/^\d{1,78}$/))
    .max(20)
    .default([])
    .describe('Ids of assets of the agent: what they earned counts too.'),
}

/** `agent_reputation`, `rate_agent`: what those say of an agent who paid it. */
export function reputationTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, batch } = context
  const { currency } = connection
  const reputation = defineTool({
    name: 'agent_reputation',
    title: 'Reputation of an agent',
    isReadOnly: true,
    description:
      'Shows who an agent of ERC-8004 is, and what those say of it who really paid it, each voice weighed by what it paid. Who paid nothing is not heard.',
    input: z.strictObject(measure),
    output: z.strictObject({
      agent: z.string(),
      owner: z.string(),
      wallet: z.string().nullable(),
      uri: z.string(),
      tag: z.string(),
      value: z.string().nullable(),
      voices: z.int(),
      weight: z.string(),
      feedback: z.array(
        z.strictObject({ payer: z.string(), paid: z.string(), value: z.string(), is_revoked: z.boolean() }),
      ),
    }),
    async call({ agent, tag, assets }) {
      const registries = await requireRegistries(connection)
      const identity = await findAgent(connection, { registries, agent })
      const { payers, weighed } = await readReputation(connection, {
        ...{ registries, identity, tag, assets: assets.map(BigInt) },
      })
      const money = (amount: bigint) => formatAmount(amount, currency)
      const value = weighed === null ? null : formatValue(weighed.value, 18)
      const feedback = payers.flatMap(({ paid, feedback: said }) =>
        said
          .filter((each) => each.tag === tag)
          .map((each) => ({
            ...{ payer: paid.payer, paid: money(paid.amount) },
            ...{ value: formatValue(each.value, each.decimals), is_revoked: each.isRevoked },
          })),
      )
      const { owner, wallet, uri } = identity
      const heard = { value, voices: weighed?.voices ?? 0, weight: money(weighed?.weight ?? 0n) }
      return {
        value: { agent: identity.agentId.toString(), owner, wallet, uri, tag, ...heard, feedback },
        text:
          value === null
            ? `Nobody who paid agent ${identity.agentId} said anything of '${tag}'.`
            : `Agent ${identity.agentId} has ${value} for '${tag}', by ${heard.voices} who paid ${heard.weight}.`,
      }
    },
  })
  const rate = defineTool({
    name: 'rate_agent',
    title: 'Rate an agent',
    isReadOnly: false,
    description:
      'Says on chain what an agent was worth, bound to the seller’s receipt of a payment that this account made to it (`receipt` of fetch_paid_url). ' +
      'Refused with RECEIPT_UNPAID until the chain shows the payment. Costs the coins of a transaction.',
    input: z.strictObject({
      ...measure,
      value: z.string().describe('A number such as 95 or 4.5.'),
      receipt: z.string().min(1).describe('The content of header Millrace-Receipt.'),
      endpoint: z.url().optional().describe('What was used.'),
    }),
    output: z.strictObject({ agent: z.string(), transaction: z.string(), hash: z.string() }),
    async call({ agent, tag, assets, value, receipt, endpoint }) {
      const registries = await requireRegistries(connection)
      const identity = await findAgent(connection, { registries, agent })
      const signed = readCallReceipt('receipt', receipt)
      const { transaction, hash } = await rateAgent(connection, {
        ...{ registries, client: buyer, rating: { value, tag, endpoint } },
        proof: { signed, identity, assets: assets.map(BigInt), batch: batch?.channels() ?? [] },
      })
      const id = identity.agentId.toString()
      return {
        value: { agent: id, transaction, hash },
        text: `Agent ${id} has ${value} for '${tag}', bound to what was paid.`,
      }
    },
  })
  return [reputation, rate]
}
