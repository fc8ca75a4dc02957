import type { Address } from 'viem'
import { type Hash, type Hex, zeroAddress, zeroHash } from 'viem'
import type { Counterparty } from './policy.ts'

/** One spending of an agent. */
export interface AgentSpend {
  readonly currency: Address
  readonly counterparty: Counterparty
  /** Base units. */
  readonly amount: bigint
  /** What is bought, as `serviceHash` names it. Default zero. */
  readonly service?: Hash
  /** Used once by an agent: a spending that is sent twice counts once. */
  readonly ref: bigint
}

/** A consent to one spending above the policy's threshold. */
export interface SpendApproval {
  /** Last Unix second at which it is good. */
  readonly expiry: number
  /** Empty (`0x`) where it was given on chain. */
  readonly signature: Hex
}

/** How money leaves, as the contract counts it. */
export const spendKinds = ['payment', 'channel', 'lease', 'float'] as const
export type SpendKind = (typeof spendKinds)[number]

/** No approval: for spendings up to the threshold. */
export const noApproval: SpendApproval = { expiry: 0, signature: '0x' }

/** A spending as the contract takes it. */
export function spendArgument({ currency, counterparty, amount, service, ref }: AgentSpend) {
  return {
    currency,
    to: 'to' in counterparty ? counterparty.to : zeroAddress,
    asset: 'asset' in counterparty ? counterparty.asset : 0n,
    amount,
    service: service ?? zeroHash,
    ref,
  }
}
