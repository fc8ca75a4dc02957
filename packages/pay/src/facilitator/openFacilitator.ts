import { getAddress, isAddress } from 'viem'
import { createBatchSettlement } from '../batch/settleBatch.ts'
import { openCurve } from '../curve/openCurve.ts'
import { toHex } from '../curve/words.ts'
import { exactReasons } from '../exact/reasons.ts'
import { createExactSettlement } from '../exact/settleExact.ts'
import { createUptoSettlement } from '../upto/settleUpto.ts'
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '../wire/x402.ts'
import { FacilitatorClosedError, SettlementTakenError } from './errors.ts'
import type { Outcome } from './findOutcome.ts'
import { followSettlement, type Place } from './followSettlement.ts'
import { identify } from './identify.ts'
import { createInspector } from './inspectPayment.ts'
import type { SettlementEntry, SettlementJournal } from './journal.ts'
import { createRelayer, type FacilitatorChain } from './relayer.ts'
import { type SettlementOrder, sendSettlement } from './sendSettlement.ts'
import type { PaymentIdentity, Refusal, RefusalReason, SettlementSchemes } from './settleable.ts'
import { keptSeconds, readBook, type Sent, type SentEntry, type Settlement } from './settlementBook.ts'
import { createSupported, type SupportedResponse } from './supported.ts'
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
  /** What it settles: `upto` only where its contracts are. */
  supported(): Promise<SupportedResponse>
  /** Stops waiting for settlements; those that were sent are found again at the next opening. */
  close(): Promise<void>
}

/**
 * Opens a facilitator of x402 for the schemes `exact`, `upto` and `batch-settlement`. Settlements that an earlier run sent and did not see through are looked
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
  /** Of what may be done again and again, the name of the last time. */
  const repeating = new Map<string, string>()
  const closing = new AbortController()
  let writing: Promise<unknown> = Promise.resolve()
  const places = new Map<string, Place>(
    chains.map((chain) => [chain.network, { chain, relayer: createRelayer(chain) }]),
  )
  const curve = await openCurve()
  const schemes: SettlementSchemes = new Map([
    ['exact', createExactSettlement(curve)],
    ['upto', createUptoSettlement(curve)],
    ['batch-settlement', createBatchSettlement(curve)],
  ])
  const inspect = createInspector({ schemes, places, now })

  /** Writes down what became of a settlement; one that failed may be tried again, so it is forgotten. */
  async function conclude(settlement: Settlement, outcome: Outcome): Promise<Outcome> {
    const { key } = settlement
    // Lost, it costs nothing: the next opening looks at the chain again. Only what failed may be written anew soon.
    const written = journal.append({ ...outcome, key }).catch(() => undefined)
    writing = Promise.all([writing, written])
    if (outcome.type === 'failed') await written
    if (outcome.type === 'settled') settlement.settled = outcome.hash
    else settlements.delete(key)
    // What comes after it is another time.
    const base = key.slice(0, key.lastIndexOf(' '))
    if (repeating.get(base) === key) repeating.delete(base)
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
    const { settled, open } = readBook(entries, schemes)
    const recordOf = (sent: SentEntry) => ({
      key: sent.key,
      print: identify(sent.requirements, sent.payload)?.print ?? '',
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

  /** The name of what is under way, or a new one, where each time counts by itself. */
  function nameFor(identity: PaymentIdentity | null): PaymentIdentity | null {
    if (identity?.repeats !== true) return identity
    const { key } = identity
    const name = repeating.get(key) ?? `${key} ${newName()}`
    repeating.set(key, name)
    return { ...identity, key: name }
  }

  /** What an answer says besides; it is settled also where the chain cannot be asked just now. */
  async function reportOf({ sent }: Settlement, outcome: Outcome | null): Promise<Partial<SettleResponse>> {
    if (outcome?.type !== 'settled' || sent === null) return {}
    const place = places.get(sent.requirements.network)
    if (place === undefined) return {}
    return (await sent.payment.report?.(place.chain.client, outcome.hash).catch(() => undefined)) ?? {}
  }

  takeUp(journal.replayed.map(({ entry }) => entry))

  return {
    async verify(payment, requirements) {
      const inspected = inspect(payment, requirements, 'verify')
      if (inspected.type === 'refused') return invalid(inspected)
      const { payment: verdict, scheme, place } = inspected
      const { payer } = verdict
      const identity = identify(requirements, payment.payload)
      if (identity !== null && settlements.has(identity.key))
        return invalid({
          type: 'refused',
          reason: scheme.reasons.nonceUsed,
          message: 'The payment is being settled, or was.',
          payer,
        })
      const refusal = await verdict.check(place.chain.client)
      if (refusal !== null) return invalid(refusal)
      const extra = await verdict.describe?.(place.chain.client)
      return { isValid: true, payer, ...(extra === undefined ? {} : { extra: { ...extra } }) }
    },

    async settle(payment, requirements) {
      const identity = nameFor(identify(requirements, payment.payload))
      const { network, amount } = requirements
      const answer = (
        settlement: Settlement | null,
        outcome: Outcome | null,
        payer: string | null,
      ): SettleResponse => {
        const who = payer === null ? {} : { payer: isAddress(payer) ? getAddress(payer) : payer }
        if (outcome?.type === 'settled')
          return { success: true, transaction: outcome.hash, network, amount, ...who }
        const reason: RefusalReason = outcome?.reason ?? exactReasons.pending
        const transaction = outcome === null ? (settlement?.sent?.hashes.at(-1) ?? '') : ''
        return { success: false, transaction, network, errorReason: reason, ...who }
      }
      const wait = async (settlement: Settlement) => {
        const timeoutMs = places.get(network)?.chain.timeoutMs ?? 60_000
        const payer = identity?.payer ?? null
        try {
          const outcome = await within(settlement.outcome, timeoutMs)
          return { ...answer(settlement, outcome, payer), ...(await reportOf(settlement, outcome)) }
        } catch (error) {
          // It is in another facilitator's hands: asked again, it is taken up from the journal.
          if (error instanceof SettlementTakenError) return answer(null, null, payer)
          throw error
        }
      }

      if (identity !== null) await recall(identity.key)
      // From here to the beginning of a settlement nothing is awaited: of those who ask at once, one begins.
      const known = identity === null ? undefined : settlements.get(identity.key)
      if (identity !== null && known !== undefined) {
        if (known.print === identity.print) return wait(known)
        const reason = schemes.get(requirements.scheme)?.reasons.nonceUsed ?? exactReasons.nonceUsed
        return answer(null, { type: 'failed', reason }, identity.payer)
      }
      const inspected = inspect(payment, requirements, 'settle')
      if (inspected.type === 'refused')
        return {
          ...answer(null, { type: 'failed', reason: inspected.reason }, inspected.payer),
          errorMessage: inspected.message,
        }
      if (closing.signal.aborted) throw new FacilitatorClosedError()
      if (identity === null) return answer(null, { type: 'failed', reason: exactReasons.payload }, null)
      forgetOld()
      const { payment: verdict, scheme, place } = inspected
      // Nothing is moved, so nothing is sent; the payer's signature ends by itself.
      if (verdict.amount === 0n)
        return { success: true, transaction: '', network, amount, payer: getAddress(verdict.payer) }
      const { key, print } = identity
      const record = { key, print, forgetAt: now() + keptSeconds, sent: null, settled: null }
      const { payload } = payment
      const reasons = verdict.reasons ?? scheme.reasons
      return wait(
        begin(record, async (settlement) => {
          const refusal = verdict.checksFirst === true ? await verdict.check(place.chain.client) : null
          if (refusal !== null) return { type: 'failed', reason: refusal.reason }
          return send(settlement, { payment: verdict, reasons, payload, requirements, place })
        }),
      )
    },

    supported: createSupported(chains),

    async close() {
      closing.abort()
      await Promise.allSettled([...settlements.values()].map(({ outcome }) => outcome))
      await writing
    },
  }
}

const newName = () => toHex(crypto.getRandomValues(new Uint8Array(8)))

const invalid = ({ reason, message, payer }: Refusal): VerifyResponse => ({
  isValid: false,
  invalidReason: reason,
  invalidMessage: message,
  ...(payer === null ? {} : { payer }),
})

function isSent(settlement: Settlement): settlement is Settlement & { sent: Sent } {
  return settlement.sent !== null
}
