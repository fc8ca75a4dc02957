import { type Listing, MillraceError } from '@millrace/sdk'
import type { Connection } from '../connection/connect.ts'
import { challengeOffer } from './challengeOffer.ts'
import type { OnJobEvent } from './events.ts'

/** Says why a machine shall not be hired, or `null`. A machine that passed is not challenged twice. */
export type MachineCheck = (listing: Listing) => Promise<string | null>

/** Challenges machines before they are hired, without a lease and without money. */
export function createMachineCheck(
  connection: Connection,
  { device, emit }: { readonly device: 'cpu' | 'gpu'; readonly emit: OnJobEvent },
): MachineCheck {
  const passed = new Set<string>()
  return async ({ id, published }) => {
    const machine = published.spec.device
    const key = `${machine} ${published.offer.spec}`
    if (passed.has(key)) return null
    emit({ event: 'challenging', offer: id, device: machine })
    try {
      const challenge = await challengeOffer(connection, { published, device })
      const { isGood, verdict } = challenge
      emit({ event: 'challenged', offer: id, device: machine, isGood, text: verdict.text, challenge })
      if (isGood) passed.add(key)
      return isGood ? null : verdict.text
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      const text = error.message
      emit({ event: 'challenged', offer: id, device: machine, isGood: false, text, challenge: null })
      return text
    }
  }
}
