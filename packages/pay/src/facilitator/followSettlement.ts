import { FacilitatorClosedError } from './errors.ts'
import { findOutcome, type Outcome } from './findOutcome.ts'
import type { SettlementJournal } from './journal.ts'
import type { FacilitatorChain, Relayer } from './relayer.ts'
import type { Sent, Settlement } from './settlementBook.ts'
import { pause } from './waiting.ts'

/** A chain, and what sends on it. */
export interface Place {
  readonly chain: FacilitatorChain
  readonly relayer: Relayer
}

/** Looks at the chain between two times that a transaction is sent once more, in case it was lost. */
const looksBetweenRepeats = 32
/** Looks of which one asks also whether somebody else spent the authorization. */
const looksBetweenStrangers = 8
/** Times that a fee is raised: an eighth each is more than three times as much in the end. */
const raises = 10
/** Times that a transaction's number must be seen taken, for a node may know the count before it knows the receipt. */
const overtakenLimit = 3

/**
 * Waits until the chain has decided a settlement that was sent. Meanwhile its transaction is sent again, in case it was
 * lost, and with a higher fee where it takes too long.
 */
export async function followSettlement(
  { chain, relayer }: Place,
  settlement: Settlement & { sent: Sent },
  options: { readonly journal: SettlementJournal; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { journal, signal } = options
  const { key } = settlement
  const { client, raiseAfterMs = 30_000 } = chain
  let since = performance.now()
  let raised = 0
  let overtaken = 0

  const raise = () =>
    relayer.raise(settlement.sent.raw, async ({ raw, hash }) => {
      if (signal.aborted) throw new FacilitatorClosedError()
      await journal.append({ type: 'raised', key, raw, hash })
      const { hashes, ...sent } = settlement.sent
      settlement.sent = { ...sent, raw, hashes: [...hashes, hash] }
    })

  for (let look = 1; ; look++) {
    const own = look % looksBetweenStrangers !== 0 && overtaken === 0
    if (signal.aborted) throw new FacilitatorClosedError()
    // Whatever cannot be told now is asked again: the money may have moved.
    const outcome = await findOutcome(client, settlement.sent, own ? { ownOnly: true } : {}).catch(() => null)
    if (outcome !== null) return outcome
    if (overtaken >= overtakenLimit) return { type: 'failed', reason: settlement.sent.reasons.transaction }
    if (performance.now() - since >= raiseAfterMs && raised < raises) {
      since = performance.now()
      const state = await raise().catch(() => 'waiting' as const)
      if (state === 'raised') raised++
      overtaken = state === 'overtaken' ? overtaken + 1 : 0
    } else if (look % looksBetweenRepeats === 0) await relayer.repeat(settlement.sent.raw)
    // A chain that mines at once has it in a moment; one that does not is not asked more often than it likes.
    await pause(Math.min(client.pollingInterval, 4 << Math.min(look, 16)), signal)
  }
}
