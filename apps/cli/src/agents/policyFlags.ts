import { type AgentPolicy, unlimited } from '@millrace/sdk'
import { isAddressEqual, zeroAddress } from 'viem'
import { addressOf } from '../commands/walletActions.ts'
import { UsageError } from '../errors/input.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'

/** Limits as they are typed: amounts in whole units, times as `90s`, `15m`, `2h`, `1d`. */
export interface PolicyFlags {
  readonly perPayment?: string
  readonly perPeriod?: string
  readonly period?: string
  readonly perCounterparty?: string
  readonly budget?: string
  readonly approveAbove?: string
  readonly for?: string
  /** A wallet's name, an address, or `none`. */
  readonly float?: string
  readonly floatPerPeriod?: string
  /** `listed` or `any`. */
  readonly counterparties?: string
  /** `listed` or `any`. */
  readonly services?: string
}

const lastSecond = 2 ** 40 - 1

/**
 * Reads the limits of a new wallet. What is left out follows from the others: a payment may be all of a period, a counterparty
 * get all of it, and nothing needs an approval.
 *
 * @param now Unix second from which `--for` counts.
 * @throws UsageError, AmountInvalidError, DurationInvalidError
 */
export function newPolicy(flags: PolicyFlags, currency: Currency, now: number): AgentPolicy {
  if (flags.perPeriod === undefined || flags.budget === undefined)
    throw new UsageError({
      message: "An agent's wallet needs a limit a period and a budget.",
      remedy: 'Such as --per-period 5 --budget 100.',
    })
  const perPeriod = limit(flags.perPeriod, currency)
  return changePolicy(
    {
      perPayment: perPeriod,
      perPeriod,
      perCounterparty: perPeriod,
      budget: 0n,
      approveAbove: unlimited,
      period: 86_400,
      start: 0,
      end: lastSecond,
      anyCounterparty: true,
      anyService: true,
      float: zeroAddress,
      floatPerPeriod: 0n,
    },
    flags,
    { currency, now },
  )
}

/**
 * A policy with the limits that were typed; the others stay.
 *
 * @throws UsageError, AmountInvalidError, DurationInvalidError
 */
export function changePolicy(
  policy: AgentPolicy,
  flags: PolicyFlags,
  { currency, now }: { readonly currency: Currency; readonly now: number },
): AgentPolicy {
  const amount = (text: string | undefined, old: bigint) => (text === undefined ? old : limit(text, currency))
  return {
    ...policy,
    perPayment: amount(flags.perPayment, policy.perPayment),
    perPeriod: amount(flags.perPeriod, policy.perPeriod),
    perCounterparty: amount(flags.perCounterparty, policy.perCounterparty),
    budget: amount(flags.budget, policy.budget),
    approveAbove: amount(flags.approveAbove, policy.approveAbove),
    period: flags.period === undefined ? policy.period : parseDuration(flags.period),
    end: flags.for === undefined ? policy.end : now + parseDuration(flags.for),
    float: flags.float === undefined ? policy.float : readFloat(flags.float),
    floatPerPeriod: amount(flags.floatPerPeriod, policy.floatPerPeriod),
    anyCounterparty: readAny(flags.counterparties, policy.anyCounterparty, '--counterparties'),
    anyService: readAny(flags.services, policy.anyService, '--services'),
  }
}

const readFloat = (text: string) => (text === 'none' ? zeroAddress : addressOf(text))

function readAny(text: string | undefined, old: boolean, flag: string): boolean {
  if (text === undefined) return old
  if (text === 'any' || text === 'listed') return text === 'any'
  throw new UsageError({
    message: `'${text}' is nothing that ${flag} can be.`,
    remedy: `Say ${flag} listed, for those on the list, or ${flag} any.`,
  })
}

/** Whether nothing in a policy is looser than before, so that it takes effect at once. */
export const isTighter = (policy: AgentPolicy, before: AgentPolicy): boolean =>
  policy.perPayment <= before.perPayment &&
  policy.perPeriod <= before.perPeriod &&
  policy.perCounterparty <= before.perCounterparty &&
  policy.budget <= before.budget &&
  policy.approveAbove <= before.approveAbove &&
  policy.period >= before.period &&
  policy.end <= before.end &&
  policy.floatPerPeriod <= before.floatPerPeriod &&
  (isAddressEqual(policy.float, before.float) || policy.float === zeroAddress) &&
  (before.anyCounterparty || !policy.anyCounterparty) &&
  (before.anyService || !policy.anyService)

/** A policy for people, a limit a line. */
export function describePolicy(policy: AgentPolicy, currency: Currency): string {
  const amount = (value: bigint) => (value === unlimited ? 'no limit' : formatAmount(value, currency))
  return [
    `At once         ${amount(policy.perPayment)}`,
    `Every ${formatDuration(policy.period).padEnd(10)}${amount(policy.perPeriod)}, of that to one counterparty ${amount(policy.perCounterparty)}`,
    `Budget left     ${amount(policy.budget)}`,
    `Approval above  ${amount(policy.approveAbove)}`,
    `Pays            ${policy.anyCounterparty ? 'anyone' : 'only those on its list'}, for ${policy.anyService ? 'anything' : 'services on its list only'}`,
    ...(policy.float === zeroAddress
      ? []
      : [
          `Float           ${policy.float}, up to ${amount(policy.floatPerPeriod)} every ${formatDuration(policy.period)}`,
        ]),
    `Until           ${policy.end === lastSecond ? 'no end' : new Date(policy.end * 1000).toISOString()}`,
  ].join('\n')
}

function limit(text: string, currency: Currency): bigint {
  const amount = parseAmount(text, currency)
  if (amount <= unlimited) return amount
  throw new UsageError({
    message: `'${text}' ${currency.symbol} is more than a limit can be.`,
    remedy: `The highest is ${formatAmount(unlimited, currency)}.`,
  })
}
