import { type HaggleCall, type HaggleSideOptions, timeDependent, titForTat } from '@millrace/sdk'
import { type Address, isAddressEqual, parseUnits } from 'viem'
import type { NodeConfig } from '../config/nodeConfig.ts'
import type { OfferTerms } from '../offers/offerKeeper.ts'
import { HaggleRefusedError } from './errors.ts'

/** How this node haggles. */
export interface HagglePolicy {
  /** Lowest price per hour that is agreed to, in base units. */
  readonly floor: bigint
  readonly strategy: 'time' | 'tit-for-tat'
  readonly shape: number
}

/** The policy of a configuration; `null` where haggling is not enabled. */
export function hagglePolicy({ haggle, offer }: NodeConfig, decimals: number): HagglePolicy | null {
  if (!haggle.enabled) return null
  const { strategy, shape } = haggle
  return { floor: parseUnits(haggle.floorPrice ?? offer.pricePerHour, decimals), strategy, shape }
}

/** What a call is held against. */
export interface PlanHaggleInput {
  readonly operator: Address
  readonly terms: OfferTerms
  readonly policy: HagglePolicy
  /** Unix seconds; of an open haggle when it began. */
  readonly startedAt: number
}

/** With fewer seconds or rounds a buyer would be told the floor at once: concessions go by the share of both. */
const LEAST_SECONDS = 5
const LEAST_ROUNDS = 4

/**
 * Decides for a call how to haggle: from the list price down to the floor. Pure.
 *
 * @throws HaggleRefusedError naming what of the call this node cannot do
 */
export function planHaggle(
  call: HaggleCall,
  input: PlanHaggleInput,
): Pick<HaggleSideOptions, 'strategy' | 'reservation' | 'quantity'> {
  const { operator, terms, policy, startedAt } = input
  const refuse = (reason: string) => {
    throw new HaggleRefusedError({ reason })
  }
  const { subject, quantity } = call
  if (subject.type !== 'lease') return refuse(`it leases time and sells no '${subject.type}'`)
  if (!isAddressEqual(call.seller, operator))
    refuse(`its operator is '${operator}', the call is to '${call.seller}'`)
  if (BigInt(subject.asset) !== terms.asset)
    refuse(`it is asset ${terms.asset}, the call names ${subject.asset}`)
  if (!isAddressEqual(call.currency, terms.currency))
    refuse(`it is paid in '${terms.currency}', the call names '${call.currency}'`)
  // Both bounds, for the buyer may counter with any quantity between them.
  if (BigInt(quantity.least) < BigInt(terms.minDuration) || BigInt(quantity.most) > BigInt(terms.maxDuration))
    refuse(
      `it leases ${terms.minDuration} to ${terms.maxDuration} s, the call is for ${quantity.least} to ${quantity.most} s`,
    )
  if (call.validUntil > startedAt + terms.ttl)
    refuse(`its offers live ${terms.ttl} s, the call is for one that lives ${call.validUntil - startedAt} s`)
  if (call.deadline < startedAt + LEAST_SECONDS)
    refuse(`it haggles for at least ${LEAST_SECONDS} s, the call allows ${call.deadline - startedAt} s`)
  if (call.maxRounds < LEAST_ROUNDS)
    refuse(`it haggles in at least ${LEAST_ROUNDS} rounds, the call allows ${call.maxRounds}`)
  const first = terms.pricePerHour
  const reservation = policy.floor
  const strategy =
    policy.strategy === 'time'
      ? timeDependent({ first, reservation, shape: policy.shape })
      : titForTat({ first, reservation })
  return { strategy, reservation, quantity: BigInt(quantity.most) }
}
