import { type Address, type Hash, keccak256, toHex } from 'viem'
import * as z from 'zod'
import { addressSchema, uint40Schema, uintSchema } from '../border/primitives.ts'

/** What an agent's key may spend in one currency. Amounts in base units, at most `unlimited`; zero allows nothing. */
export interface AgentPolicy {
  /** Most at once. */
  readonly perPayment: bigint
  /** Most that the period's bucket holds; it leaks as much a period, evenly. */
  readonly perPeriod: bigint
  /** As `perPeriod`, for each counterparty. */
  readonly perCounterparty: bigint
  /** Most in all from when the policy takes effect; read back, what is left of it. */
  readonly budget: bigint
  /** More than this at once needs an approval. */
  readonly approveAbove: bigint
  /** Seconds. */
  readonly period: number
  /** First Unix second at which it may spend. */
  readonly start: number
  /** First Unix second at which it may not spend any more. */
  readonly end: number
  /** Whether the list of counterparties is not looked at. */
  readonly anyCounterparty: boolean
  /** Whether the list of services is not looked at. */
  readonly anyService: boolean
  /** Wallet that the agent may fill for payments by signature; the zero address for none. */
  readonly float: Address
  /** As `perPeriod`, for the float. */
  readonly floatPerPeriod: bigint
}

/** The highest limit, which nothing reaches. */
export const unlimited = 2n ** 88n - 1n

/** A policy in JSON, amounts as decimal strings. */
export const agentPolicySchema = z.strictObject({
  perPayment: uintSchema(88),
  perPeriod: uintSchema(88),
  perCounterparty: uintSchema(88),
  budget: uintSchema(88),
  approveAbove: uintSchema(88),
  period: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  start: uint40Schema,
  end: uint40Schema,
  anyCounterparty: z.boolean(),
  anyService: z.boolean(),
  float: addressSchema,
  floatPerPeriod: uintSchema(88),
})

/** An agent, its policy in one currency, and the lists that belong to it. */
export interface AgentGrant {
  readonly agent: Address
  readonly currency: Address
  readonly policy: AgentPolicy
  /** As `counterpartyOf` names them. */
  readonly counterparties: readonly bigint[]
  /** As `serviceHash` names them. */
  readonly services: readonly Hash[]
}

/** What an account begins with. */
export interface AgentSetup {
  /** May stop agents, veto and approve; the zero address for none. */
  readonly guardian: Address
  /** Seconds that a change which loosens waits. */
  readonly delay: number
  readonly grants: readonly AgentGrant[]
}

/** Whom an agent pays: an account in the till, or an asset. */
export type Counterparty = { readonly to: Address } | { readonly asset: bigint }

/**
 * Names a counterparty as the contract's lists and events do.
 *
 * @param counterparty An account or an asset.
 * @returns The account as a number, or the asset's id with the highest bit set.
 * @example
 * const listed = counterpartyOf({ asset: 7n })
 */
export function counterpartyOf(counterparty: Counterparty): bigint {
  return 'to' in counterparty ? BigInt(counterparty.to) : (1n << 255n) | counterparty.asset
}

/**
 * Names a service as the contract's lists do.
 *
 * @param url Address of the service; its query and fragment do not count.
 * @param method HTTP method, in any case.
 * @returns keccak256 of `origin method path`, joined by spaces.
 * @example
 * const service = serviceHash('https://api.example/v1/ask', 'POST')
 */
export function serviceHash(url: URL | string, method: string): Hash {
  const { origin, pathname } = new URL(url)
  return keccak256(toHex(`${origin} ${method.toUpperCase()} ${pathname}`))
}
