import { encodePaymentPayload, headerNames } from '../wire/headers.ts'
import type { PaymentRequired, SettleResponse } from '../wire/x402.ts'
import type { BatchWallet } from './batchWallet.ts'
import { RefundRefusedError } from './errors.ts'
import { readDemand, readSettled } from './readDemand.ts'

/** What `askForRefund` takes. */
export interface AskForRefundOptions {
  readonly batch: Pick<BatchWallet, 'refund'>
  /** Any address at which the seller is paid on the channel, by GET. */
  readonly url: string
  /** Base units; all that was not charged by default. */
  readonly amount?: bigint
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
}

/** Times that a wish is sent: the first, and one after what was forgotten is learned. */
const mostAttempts = 2

/**
 * Asks a seller of scheme `batch-settlement` to give back what it did not charge, at once. Its facilitator sends the transaction.
 *
 * @param options The payer's channels, and where the seller is.
 * @returns What the seller says of the transaction; the chain shows the rest.
 * @throws RefundRefusedError with the seller's reason; PaymentRequiredInvalidError | SnapshotForgedError
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/batch-settlement/scheme_batch_settlement_evm.md
 * @example
 * const { transaction } = await askForRefund({ batch, url: 'https://api.example/v1/data' })
 */
export async function askForRefund(options: AskForRefundOptions): Promise<SettleResponse> {
  const { batch, url, amount, fetch = globalThis.fetch } = options
  const refused = (reason: string) => new RefundRefusedError({ url, reason })
  const asked = await fetch(url, { redirect: 'manual' })
  if (asked.status !== 402) throw refused(`it answered ${asked.status}`)
  let required: PaymentRequired = (await readDemand(url, asked)).required
  for (let attempt = 1; ; attempt++) {
    const way = required.accepts.find(({ scheme }) => scheme === 'batch-settlement')
    if (way === undefined) throw refused('it does not take payment by batch-settlement')
    const wish = await batch.refund(way, amount)
    const { payload } = wish
    const { resource } = required
    let response: Response
    try {
      const header = encodePaymentPayload({ x402Version: 2, resource, accepted: way, payload })
      response = await fetch(url, { headers: { [headerNames.payment]: header }, redirect: 'manual' })
    } catch (error) {
      await wish.unknown()
      throw error
    }
    const settled = readSettled(response)
    if (response.ok && settled?.success === true) {
      await wish.done(settled, true)
      return settled
    }
    if (response.status !== 402) {
      await wish.unknown()
      throw refused(`it answered ${response.status}`)
    }
    const demand = await readDemand(url, response).catch(async (error: unknown) => {
      await wish.unknown()
      throw error
    })
    const next = demand.required.accepts.find(({ scheme }) => scheme === 'batch-settlement')
    await wish.refused(next ?? null)
    if (attempt >= mostAttempts || next?.extra?.channelState === undefined)
      throw refused(demand.required.error ?? 'no reason given')
    required = demand.required
  }
}
