import { type Address, getAddress } from 'viem'
import type { AgentFeedback } from './getAgentFeedback.ts'
import type { PaidVolume } from './readPaidVolumes.ts'

/** What feedback is weighed by. */
export interface WeighFeedbackParameters {
  readonly feedback: readonly AgentFeedback[]
  readonly paid: readonly PaidVolume[]
  /** Only what bears this tag: values of different tags mean different things. */
  readonly tag: string
  /** The agent's own: its owner, its wallet, its operators. What they paid themselves speaks for nothing. */
  readonly own: readonly Address[]
}

/** What those who paid say, each by what it paid. */
export interface WeighedFeedback {
  /** `value × 10^-18`, rounded towards zero. */
  readonly value: bigint
  /** Base units that stand behind it. */
  readonly weight: bigint
  /** Payers that said something. */
  readonly voices: number
}

const scale = 18

/**
 * Weighs feedback by what was really paid: each payer has one voice, the mean of what it said and did not take back, and the voice counts as much as it
 * paid. Who paid nothing has none. So to move the result by inventing clients one has to pay the agent, which costs a stranger the money; an agent
 * that pays itself through accounts that nobody knows for its own loses the fee alone, and no weighing of this kind can tell.
 *
 * @param parameters Feedback, payments, the tag that counts, and the agent's own accounts.
 * @returns The weighed mean, or `null` if nobody who paid said anything.
 * @example
 * const weighed = weighFeedback({ feedback: [], paid: [], tag: 'starred', own: [operator] })
 */
export function weighFeedback(parameters: WeighFeedbackParameters): WeighedFeedback | null {
  const { feedback, paid, tag, own } = parameters
  const excluded = new Set(own.map((address) => getAddress(address)))
  const said = new Map<Address, bigint[]>()
  for (const { client, value, decimals, tag: named, isRevoked } of feedback) {
    if (isRevoked || named !== tag || decimals > scale) continue
    const key = getAddress(client)
    said.set(key, [...(said.get(key) ?? []), value * 10n ** BigInt(scale - decimals)])
  }
  let [sum, weight, voices] = [0n, 0n, 0]
  /** One key may sign for several payers: it has one voice, of the one that paid most. */
  const heard = new Set<Address>()
  for (const { payer, signers, amount } of [...paid].sort((a, b) => (a.amount > b.amount ? -1 : 1))) {
    const accounts = [payer, ...signers].map((address) => getAddress(address))
    if (amount <= 0n || accounts.some((address) => excluded.has(address))) continue
    // The payer's own word goes before that of a key it gave away.
    const speaker = accounts.find((address) => said.has(address) && !heard.has(address))
    const values = speaker === undefined ? undefined : said.get(speaker)
    if (speaker === undefined || values === undefined) continue
    heard.add(speaker)
    sum += (values.reduce((total, value) => total + value, 0n) / BigInt(values.length)) * amount
    weight += amount
    voices++
  }
  return weight === 0n ? null : { value: sum / weight, weight, voices }
}
