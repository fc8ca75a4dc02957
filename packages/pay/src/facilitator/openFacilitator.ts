import { openCurve } from '../curve/openCurve.ts'
import { checkExact } from '../exact/checkExact.ts'
import { type ExactReason, type ExactRefusal, exactReasons } from '../exact/reasons.ts'
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '../wire/x402.ts'
import { FacilitatorClosedError, SettlementTakenError } from './errors.ts'
import type { Outcome } from './findOutcome.ts'
import { followSettlement, type Place } from './followSettlement.ts'
import { createInspector } from './inspectPayment.ts'
import type { SettlementEntry, SettlementJournal } from './journal.ts'
import { createRelayer, type FacilitatorChain } from './relayer.ts'
import { type SettlementOrder, sendSettlement } from './sendSettlement.ts'
import {
  keptSeconds,
  keyOf,
  payloadOf,
  printOf,
  readBook,
  type Sent,
  type SentEntry,
  type Settlement,
} from './settlementBook.ts'
import { type SupportedResponse, supportedOn } from './supported.ts'
import { within } from './waiting.ts'

export interface FacilitatorOptions {
  readonly chains: readonly FacilitatorChain[]
  /** Written ahead of every transaction. */
  readonly journal: SettlementJournal
  /** Unix seconds. */
  readonly now?: () => number
}

/** Checks payments and settles each exactly once. */
export interface Facilitator {
  /** Whether a payment can be settled now. Throws ChainUnreachableError. */
  verify(payment: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse>
  /**
   * Settles a payment. However often and from wherever it is asked, one transfer happens, and each answer names it.
   * `settlement_pending` means that it is not known yet: ask again with the same payment.
   */
  settle(payment: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse>
  supported(): SupportedResponse
  /** Stops waiting for settlements; those that were sent are found again at the next opening. */
  close(): Promise<void>
}

/**
 * Opens a facilitator of x402 for scheme `exact`. Settlements that an earlier run sent and did not see through are looked
 * for on the chain, and sent again where they are not there: the very same transaction.
 *
 * @param options The chains it settles on, and the journal that is written ahead of each transaction.
 * @returns The facilitator.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/x402-specification-v2.md
 * @example
 * const facilitator = await openFacilitator({ chains: [{ network: 'eip155:84532', client, relayer }], journal })
 * const { success, transaction } = await facilitator.settle(payment, requirements)
 */
export async function openFacilitator(options: FacilitatorOptions): Promise<Facilitator> {
  const { chains, journal, now = () => Math.floor(Date.now() / 1000) } = options
  const settlements = new Map<string, Settlement>()
  const closing = new AbortController()
  let writing: Promise<unknown> = Promise.resolve()
  const places = new Map<string, Place>(
    chains.map((chain) => [chain.network, { chain, relayer: createRelayer(chain) }]),
  )
  const inspect = createInspector({ curve: await openCurve(), places, now })

  /** Writes down what became of a settlement; one that failed may be tried again, so it is forgotten. */
  async function conclude(settlement: Settlement, outcome: Outcome): Promise<Outcome> {
    const { key } = settlement
    // Lost, it costs nothing: the next opening looks at the chain again. Only what failed may be written anew soon.
    const written = journal.append({ ...outcome, key }).catch(() => undefined)
    writing = Promise.all([writing, written])
    if (outcome.type === 'failed') await written
    if (outcome.type === 'settled') settlement.settled = outcome.hash
    else settlements.delete(key)
    return outcome
  }

  async function send(settlement: Settlement, order: SettlementOrder): Promise<Outcome> {
    const failed = await sendSettlement(settlement, order, { journal, signal: closing.signal })
    if (failed === null) return see(settlement, order.place)
    // What was written must be written off; what was not leaves no trace.
    return failed.isWritten ? conclude(settlement, failed.outcome) : failed.outcome
  }

  /** Sees a settlement through that was sent. */
  async function see(settlement: Settlement, place: Place): Promise<Outcome> {
    if (!isSent(settlement)) return { type: 'failed', reason: exactReasons.transaction }
    return conclude(
      settlement,
      await followSettlement(place, settlement, { journal, signal: closing.signal }),
    )
  }

  function begin(
    settlement: Omit<Settlement, 'outcome'>,
    work: (settlement: Settlement) => Promise<Outcome>,
  ) {
    const whole: Settlement = Object.assign(settlement, {
      outcome: Promise.resolve<Outcome>({ type: 'failed', reason: exactReasons.pending }),
    })
    settlements.set(whole.key, whole)
    whole.outcome = work(whole).then(
      (outcome) => {
        if (outcome.type === 'failed') settlements.delete(whole.key)
        return outcome
      },
      (error) => {
        // What was sent stays known: its transaction is out, whatever was thrown while it was waited for.
        if (whole.sent === null) settlements.delete(whole.key)
        throw error
      },
    )
    // Whoever asks awaits it; nobody may.
    whole.outcome.catch(() => undefined)
    return whole
  }

  function forgetOld(): void {
    for (const [key, { settled, forgetAt }] of settlements) {
      // Those under way are decided by the chain; behind them may be older ones, which can wait for their turn.
      if (settled === null || forgetAt > now()) return
      settlements.delete(key)
    }
  }

  /** Takes up what is written of settlements, by this facilitator before or by another that shares the journal. */
  function takeUp(entries: readonly SettlementEntry[]): void {
    const { settled, open } = readBook(entries)
    const recordOf = (sent: SentEntry) => ({
      key: sent.key,
      print: printOf(sent.requirements, sent.payload),
      forgetAt: now() + keptSeconds,
      sent,
      settled: null,
    })
    for (const { sent, hash } of settled)
      settlements.set(sent.key, {
        ...recordOf(sent),
        settled: hash,
        outcome: Promise.resolve({ type: 'settled', hash }),
      })
    for (const sent of open) {
      const place = places.get(sent.requirements.network)
      if (place === undefined) continue
      begin(recordOf(sent), async (settlement) => {
        await place.relayer.repeat(sent.raw)
        return see(settlement, place)
      })
    }
  }

  /** Takes a settlement up that is not known here, where the journal is shared. */
  async function recall(key: string): Promise<void> {
    if (settlements.has(key) || journal.find === undefined) return
    const entries = await journal.find(key)
    if (!settlements.has(key)) takeUp(entries)
  }

  takeUp(journal.replayed.map(({ entry }) => entry))

  return {
    async verify(payment, requirements) {
      const inspected = inspect(payment, requirements)
      if (inspected.type === 'refused') return invalid(inspected)
      const { payment: verdict, place } = inspected
      const payer = verdict.authorization.from
      const payload = payloadOf(payment)
      if (payload !== null && settlements.has(keyOf(requirements, payload)))
        return invalid({
          type: 'refused',
          reason: exactReasons.nonceUsed,
          message: 'The payment is being settled, or was.',
          payer,
        })
      const refusal = await checkExact(place.chain.client, verdict, requirements)
      return refusal === null ? { isValid: true, payer } : invalid(refusal)
    },

    async settle(payment, requirements) {
      const payload = payloadOf(payment)
      const { network, amount } = requirements
      const answer = (
        settlement: Settlement | null,
        outcome: Outcome | null,
        payer: string | null,
      ): SettleResponse => {
        const who = payer === null ? {} : { payer }
        if (outcome?.type === 'settled')
          return { success: true, transaction: outcome.hash, network, amount, ...who }
        const reason: ExactReason = outcome?.reason ?? exactReasons.pending
        const transaction = outcome === null ? (settlement?.sent?.hashes.at(-1) ?? '') : ''
        return { success: false, transaction, network, errorReason: reason, ...who }
      }
      const wait = async (settlement: Settlement) => {
        const timeoutMs = places.get(network)?.chain.timeoutMs ?? 60_000
        const payer = payload?.authorization.from ?? null
        try {
          return answer(settlement, await within(settlement.outcome, timeoutMs), payer)
        } catch (error) {
          // It is in another facilitator's hands: asked again, it is taken up from the journal.
          if (error instanceof SettlementTakenError) return answer(null, null, payer)
          throw error
        }
      }

      const key = payload === null ? null : keyOf(requirements, payload)
      if (key !== null) await recall(key)
      // From here to the beginning of a settlement nothing is awaited: of those who ask at once, one begins.
      const known = key === null ? undefined : settlements.get(key)
      if (payload !== null && known !== undefined) {
        if (known.print === printOf(requirements, payload)) return wait(known)
        return answer(null, { type: 'failed', reason: exactReasons.nonceUsed }, payload.authorization.from)
      }
      const inspected = inspect(payment, requirements)
      if (inspected.type === 'refused')
        return {
          ...answer(null, { type: 'failed', reason: inspected.reason }, inspected.payer),
          errorMessage: inspected.message,
        }
      if (closing.signal.aborted) throw new FacilitatorClosedError()
      if (payload === null || key === null)
        return answer(null, { type: 'failed', reason: exactReasons.payload }, null)
      forgetOld()
      const { payment: verdict, place } = inspected
      const record = {
        key,
        print: printOf(requirements, payload),
        forgetAt: now() + keptSeconds,
        sent: null,
        settled: null,
      }
      return wait(begin(record, (settlement) => send(settlement, { verdict, payload, requirements, place })))
    },

    supported: () => supportedOn(chains),

    async close() {
      closing.abort()
      await Promise.allSettled([...settlements.values()].map(({ outcome }) => outcome))
      await writing
    },
  }
}

const invalid = ({ reason, message, payer }: ExactRefusal): VerifyResponse => ({
  isValid: false,
  invalidReason: reason,
  invalidMessage: message,
  ...(payer === null ? {} : { payer }),
})

function isSent(settlement: Settlement): settlement is Settlement & { sent: Sent } {
  return settlement.sent !== null
}
