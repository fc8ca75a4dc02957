import type { ReadClient, Signer } from '@millrace/sdk'
import { type Hash, isHash } from 'viem'
import * as z from 'zod'
import { toHex } from '../curve/words.ts'
import { signExact } from '../exact/signExact.ts'
import { UptoUnsignableError } from '../upto/errors.ts'
import { findCharged } from '../upto/findCharged.ts'
import { approvalExtension } from '../upto/permit.ts'
import { signApproval } from '../upto/signApproval.ts'
import { signUpto } from '../upto/signUpto.ts'
import type { PaymentRequired, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import type { Budget, BudgetReservation } from './openBudget.ts'

/** What is sent of a payment. */
export interface OncePayment {
  readonly payload: Readonly<Record<string, unknown>>
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}

/** Payments by `exact` and `upto` for one request. However many are signed by one scheme, they share a nonce: one at most can be settled. */
export interface OncePayments {
  /**
   * Reserves what is asked and signs it.
   *
   * @throws BudgetExceededError | ExactUnsignableError | UptoUnsignableError | ChainUnreachableError
   */
  sign(
    requirements: PaymentRequirements,
    spending: {
      readonly payee: string
      readonly service: string
      /** What the demand said besides; it is said back, with what is added to it. */
      readonly extensions?: PaymentRequired['extensions'] | undefined
    },
  ): Promise<OncePayment>
  /** What the server says of the settlement of what was signed last. */
  settled(response: SettleResponse | null): void
  /**
   * Counts the dearest by each scheme to each payee as spent: what was sent can be settled, whatever the answer. Where the chain shows
   * what was moved of a ceiling, the rest is free again.
   */
  end(): Promise<void>
}

const extensionSchema = z.looseObject({ info: z.record(z.string(), z.unknown()) })

interface Held {
  readonly scheme: string
  readonly payee: string
  readonly reservation: BudgetReservation
  settled: SettleResponse | null
}

export function createOncePayments(options: {
  readonly signer: Signer
  readonly budget: Budget
  /** Of the chain; payments by `upto` need it. */
  readonly client?: ReadClient | undefined
  /** Unix seconds. */
  readonly now: () => number
}): OncePayments {
  const { signer, budget, client, now } = options
  const nonce: Hash = toHex(crypto.getRandomValues(new Uint8Array(32)))
  const held: Held[] = []

  async function sign(
    requirements: PaymentRequirements,
    declared: PaymentRequired['extensions'] = {},
  ): Promise<OncePayment> {
    if (requirements.scheme !== 'upto') return signExact(signer, { requirements, now: now(), nonce })
    const { scheme, network, maxTimeoutSeconds } = requirements
    const unsignable = (reason: string) => new UptoUnsignableError({ scheme, network, reason })
    if (client === undefined) throw unsignable('no client of the chain is given')
    const at = now()
    const { payload } = await signUpto(signer, { requirements, now: at, nonce: BigInt(nonce) })
    const deadline = BigInt(at + maxTimeoutSeconds)
    const approval = await signApproval(signer, { client, requirements, deadline })
    if (approval.type === 'there') return { payload }
    if (approval.type === 'missing') throw unsignable('Permit2 may not move the token, which has no permits')
    const said = extensionSchema.safeParse(declared[approvalExtension])
    if (!said.success)
      throw unsignable('Permit2 may not move the token, and the seller takes no signed approval')
    const info = { ...said.data.info, ...approval.info }
    return { payload, extensions: { ...declared, [approvalExtension]: { ...said.data, info } } }
  }

  /** What was moved by `upto`, where the chain shows it. */
  async function chargedOf({ scheme, settled }: Held): Promise<bigint | null> {
    if (scheme !== 'upto' || client === undefined || settled === null || !isHash(settled.transaction))
      return null
    const { transaction } = settled
    const sought = { transaction, payer: signer.address, nonce: BigInt(nonce) }
    // What cannot be seen is counted in full.
    return findCharged(client, sought).catch(() => null)
  }

  return {
    async sign(requirements, { payee, service, extensions: declared }) {
      const reservation = await budget.reserve({ amount: BigInt(requirements.amount), payee, service })
      try {
        const { payload, extensions } = await sign(requirements, declared)
        held.push({ scheme: requirements.scheme, payee, reservation, settled: null })
        return extensions === undefined ? { payload } : { payload, extensions }
      } catch (error) {
        await reservation.release().catch(() => {})
        throw error
      }
    },
    settled(response) {
      const last = held.at(-1)
      if (last !== undefined) last.settled = response
    },
    async end() {
      const dearest = held
        .splice(0)
        .toSorted((a, b) => (a.reservation.amount > b.reservation.amount ? -1 : 1))
      const counted = new Set<string>()
      for (const each of dearest) {
        const charged = await chargedOf(each)
        if (charged === null || charged > each.reservation.amount) continue
        await each.reservation.capture(charged)
        // The nonce is spent: nothing else that was signed by this scheme can be settled.
        counted.add(each.scheme)
        for (const other of dearest)
          if (other !== each && other.scheme === each.scheme) await other.reservation.release()
        break
      }
      for (const { scheme, payee, reservation } of dearest) {
        if (counted.has(scheme)) continue
        const key = `${scheme} ${payee}`
        await (counted.has(key) ? reservation.release() : reservation.capture(reservation.amount))
        counted.add(key)
      }
    },
  }
}
