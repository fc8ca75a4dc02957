import { decodeRevert } from '@millrace/sdk'
import { estimateGas, getCode } from 'viem/actions'
import { reach } from '../chain/askChain.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { FacilitatorClosedError } from './errors.ts'
import type { Outcome } from './findOutcome.ts'
import type { Place } from './followSettlement.ts'
import type { SettlementJournal } from './journal.ts'
import type { SettleablePayment, SettlementReasons } from './settleable.ts'
import type { Settlement } from './settlementBook.ts'

/** Most gas of a settlement: some five times what a usual one takes. */
const maxGas = 400_000n

/** What is to be settled, and where. */
export interface SettlementOrder {
  readonly payment: SettleablePayment
  readonly reasons: SettlementReasons
  /** As it came, for the journal. */
  readonly payload: Readonly<Record<string, unknown>>
  readonly requirements: PaymentRequirements
  readonly place: Place
}

/** Why nothing was sent, and whether it stands in the journal as sent all the same. */
export interface Unsent {
  readonly outcome: Outcome
  readonly isWritten: boolean
}

/**
 * Tries a settlement, writes its signed transaction down, and only then sends it.
 *
 * @returns null once it may be out.
 * @throws ChainUnreachableError, FacilitatorClosedError, SettlementTakenError, JournalWriteError: nothing was sent then.
 */
export async function sendSettlement(
  settlement: Settlement,
  { payment, reasons, payload, requirements, place }: SettlementOrder,
  { journal, signal }: { readonly journal: SettlementJournal; readonly signal: AbortSignal },
): Promise<Unsent | null> {
  const { client, relayer: account } = place.chain
  const { to, data } = payment.call
  const [tried, prepared, code] = await Promise.all([
    estimateGas(client, { account: account.address, to, data }).catch(() => null),
    reach(place.relayer.prepare()),
    reach(getCode(client, { address: to })),
  ])
  if (tried === null || code === undefined || tried > (payment.maxGas ?? place.chain.maxGas ?? maxGas)) {
    const refusal = await payment.check(client)
    const reason = refusal?.reason ?? reasons.simulation
    return { outcome: { type: 'failed', reason }, isWritten: false }
  }
  let isWritten = false
  try {
    await place.relayer.send({ to, data, gas: tried, prepared }, async ({ raw, hash }) => {
      if (signal.aborted) throw new FacilitatorClosedError()
      const { key } = settlement
      const { digest } = payment
      const { block } = prepared
      const entry = { key, payload, digest, requirements, raw, hash, block: block.toString() }
      await journal.append({ type: 'sent', ...entry })
      isWritten = true
      settlement.sent = { payment, reasons, requirements, raw, hashes: [hash], block }
    })
  } catch (error) {
    if (!isWritten) throw decodeRevert(error)
    return { outcome: { type: 'failed', reason: reasons.transaction }, isWritten }
  }
  return null
}
