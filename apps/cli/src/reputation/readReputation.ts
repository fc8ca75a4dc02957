import {
  type AgentFeedback,
  type AgentIdentity,
  type AgentRegistries,
  gatewayClient,
  getAgentFeedback,
  type PaidVolume,
  readPaidVolumes,
  type WeighedFeedback,
  weighFeedback,
} from '@millrace/sdk'
import { type Address, isAddressEqual } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { UsageError } from '../errors/input.ts'

/** What is said of an agent by those who paid it. Amounts in base units. */
export interface Reputation {
  readonly identity: AgentIdentity
  readonly tag: string
  /** All of one payer, the one that paid most first; without the agent's own accounts. */
  readonly payers: readonly {
    readonly paid: PaidVolume
    readonly feedback: readonly AgentFeedback[]
  }[]
  readonly weighed: WeighedFeedback | null
  /** Whether the index had more payments than were read. */
  readonly isPartial: boolean
}

/** Most payers whose feedback is read: those that paid most. */
const most = 500

/**
 * Reads who paid an agent, by the gateway's index, and what they say of it.
 *
 * @throws UsageError without a gateway, and what chain and gateway answer
 */
export async function readReputation(
  { client, gateways, currency }: Connection,
  of: {
    readonly registries: AgentRegistries
    readonly identity: AgentIdentity
    readonly assets: readonly bigint[]
    readonly tag: string
  },
): Promise<Reputation> {
  const { registries, identity, assets, tag } = of
  const { agentId, owner, wallet } = identity
  const [gateway] = gateways
  if (gateway === undefined)
    throw new UsageError({
      message: 'Who paid an agent stands in a gateway’s index, and the network names none.',
      remedy: 'Name one with `--gateway`.',
    })
  const own: readonly Address[] = wallet === null || isAddressEqual(wallet, owner) ? [owner] : [owner, wallet]
  const { paid, isPartial } = await readPaidVolumes(gatewayClient(gateway), {
    ...{ currency: currency.address, assets, accounts: own },
  })
  const others = paid.filter(({ payer }) => !own.some((each) => isAddressEqual(each, payer))).slice(0, most)
  const speakers = [...new Set(others.flatMap(({ payer, signers }) => [payer, ...signers]))]
  const feedback = await getAgentFeedback(client, { registries, agentId, clients: speakers })
  const payers = others.map((each) => ({
    paid: each,
    feedback: feedback.filter(({ client: by }) =>
      [each.payer, ...each.signers].some((account) => isAddressEqual(account, by)),
    ),
  }))
  const weighed = weighFeedback({ feedback, paid: others, tag, own })
  return { identity, tag, payers, weighed, isPartial: isPartial || others.length === most }
}

/** A value of the registry for people: `95.5`. */
export function formatValue(value: bigint, decimals: number): string {
  const [sign, digits] = value < 0n ? ['-', -value] : ['', value]
  const text = digits.toString().padStart(decimals + 1, '0')
  const [whole, part] = [text.slice(0, text.length - decimals), text.slice(text.length - decimals)]
  const rest = part.replace(/0+$/, '')
  return `${sign}${whole}${rest === '' ? '' : `.${rest}`}`
}
