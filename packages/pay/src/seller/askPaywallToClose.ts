import { closeHeader } from '../ledger/closing.ts'
import { CloseUnsupportedError } from '../ledger/errors.ts'
import { encodeHeader } from '../wire/base64.ts'
import { WireError } from '../wire/errors.ts'
import type { Paywall } from './paywall.ts'
import { problem } from './problem.ts'

/** What a paywall answers to the wish to end a channel, for transports other than HTTP. */
export interface ClosingAnswer {
  /** As in HTTP: 200 with the consent, anything else with the reason. */
  readonly status: number
  readonly body: unknown
}

/**
 * Hands a wish to end a channel, which came by another transport than HTTP, to a paywall.
 *
 * @param paywall From `createPaywall`.
 * @param options Where it was sent, and the wish as it came.
 */
export async function askPaywallToClose(
  paywall: Paywall,
  { url, wish }: { readonly url: string; readonly wish: unknown },
): Promise<ClosingAnswer> {
  let header: string
  try {
    header = encodeHeader(closeHeader, wish)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return answerOf(problem(400, error))
  }
  const request = new Request(url, { method: 'POST', headers: { [closeHeader]: header } })
  // The wish is answered before anything is priced.
  const response = await paywall.charge(request, { price: { amount: 0n } }, () =>
    problem(404, new CloseUnsupportedError()),
  )
  return answerOf(response)
}

const answerOf = async (response: Response): Promise<ClosingAnswer> => ({
  status: response.status,
  body: await response.json(),
})
