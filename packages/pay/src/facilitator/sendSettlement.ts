import { decodeRevert } from '@millrace/sdk'
import type { Address } from 'viem'
import { estimateGas, getCode } from 'viem/actions'
import type { ExactPayload } from '../exact/authorization.ts'
import { checkExact, reach } from '../exact/checkExact.ts'
import { encodeTransfer } from '../exact/encodeTransfer.ts'
import { exactReasons } from '../exact/reasons.ts'
import type { ExactPayment } from '../exact/verifyExact.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { FacilitatorClosedError } from './errors.ts'
import type { Outcome } from './findOutcome.ts'
import type { Place } from './followSettlement.ts'
import type { SettlementJournal } from './journal.ts'
import type { Settlement } from './settlementBook.ts'

/** Most gas of a settlement: some five times what a usual one takes. */
const maxGas = 400_000n

/** What is to be settled, and where. */
export interface SettlementOrder {
  readonly verdict: ExactPayment
  readonly payload: ExactPayload
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
  { verdict, payload, requirements, place }: SettlementOrder,
  { journal, signal }: { readonly journal: SettlementJournal; readonly signal: AbortSignal },
): Promise<Unsent | null> {
  const { client, relayer: account } = place.chain
  const to = requirements.asset as Address
  const data = encodeTransfer(verdict)
  const [tried, prepared, code] = await Promise.all([
    estimateGas(client, { account: account.address, to, data }).catch(() => null),
    reach(place.relayer.prepare()),
    reach(getCode(client, { address: to })),
  ])
  if (tried === null || code === undefined || tried > (place.chain.maxGas ?? maxGas)) {
    const refusal = await checkExact(client, verdict, requirements)
    const reason = refusal?.reason ?? exactReasons.simulation
    return { outcome: { type: 'failed', reason }, isWritten: false }
  }
  let isWritten = false
  try {
    await place.relayer.send({ to, data, gas: tried, prepared }, async ({ raw, hash }) => {
      if (signal.aborted) throw new FacilitatorClosedError()
      const { key } = settlement
      const { digest } = verdict
      const { block } = prepared
      const entry = { key, payload, digest, requirements, raw, hash, block: block.toString() }
      await journal.append({ type: 'sent', ...entry })
      isWritten = true
      settlement.sent = { payment: verdict, requirements, raw, hashes: [hash], block }
    })
  } catch (error) {
    if (!isWritten) throw decodeRevert(error)
    return { outcome: { type: 'failed', reason: exactReasons.transaction }, isWritten }
  }
  return null
}
