import { MillraceError } from '@millrace/sdk/errors'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { PaidRequest, Price, SellerScheme } from './scheme.ts'

/** The ways to pay for a request, and what is said besides. */
export interface Ways {
  readonly accepts: readonly PaymentRequirements[]
  readonly extensions: Readonly<Record<string, unknown>>
}

/**
 * Asks every scheme for its ways to pay. One whose facilitator cannot be reached is left out where there are others.
 *
 * @throws The first error that may pass, where it leaves no way to pay; any other at once.
 */
export async function findWays(
  schemes: readonly SellerScheme[],
  price: Price,
  request: PaidRequest,
): Promise<Ways> {
  const able = price.terms === undefined ? schemes : schemes.filter(({ carriesTerms }) => carriesTerms)
  const asked = await Promise.allSettled(able.map((each) => each.requirements(price, request)))
  const accepts: PaymentRequirements[] = []
  const extensions: Record<string, unknown> = {}
  const failures: unknown[] = []
  for (const [index, answer] of asked.entries()) {
    if (answer.status === 'fulfilled') {
      accepts.push(...answer.value)
      if (answer.value.length > 0) Object.assign(extensions, able[index]?.extensions)
    } else if (answer.reason instanceof MillraceError && answer.reason.retryable) failures.push(answer.reason)
    else throw answer.reason
  }
  if (accepts.length === 0 && failures.length > 0) throw failures[0]
  return { accepts, extensions }
}
