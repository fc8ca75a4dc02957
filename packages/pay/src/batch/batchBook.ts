import { hashSchema, parse, signatureSchema, uintSchema } from '@millrace/sdk'
import type { Hash, Hex } from 'viem'
import * as z from 'zod'
import { type BatchConfig, batchConfigSchema } from './payload.ts'
import { type BatchState, batchStateToJson } from './readBatchChannel.ts'

/**
 * What a payee knows of a channel of `batch-settlement`. It changes in place.
 *
 * Invariants: `spent` and `unbacked` together never exceed what the best voucher promises; what is claimed never exceeds `spent`
 * less what is in flight, nor the balance.
 */
export interface BatchBook {
  readonly id: Hash
  readonly config: BatchConfig
  /** As the chain showed it last. */
  state: BatchState
  /** The highest voucher. */
  best: { readonly maxClaimableAmount: bigint; readonly signature: Hex } | null
  /** Charged, and held for calls in flight whose money is in the channel. */
  spent: bigint
  /** A refund whose consent left us: so much counts as gone until the chain's nonce has passed it. */
  refunding: { readonly nonce: bigint; readonly amount: bigint } | null
  /** The deposit that was charged last, by its nonce, and how much was charged with it. */
  deposited: { readonly nonce: Hash; readonly charged: bigint } | null
  /** Of `spent`, what is in flight. Not on disk: what a crash broke off counts as charged. */
  held: bigint
  /** Held for calls whose deposit is not on chain yet. Not on disk: their answers have not left. */
  unbacked: bigint
  /** Calls in flight. */
  requests: number
}

/** What a payer is told about its channel. */
export interface BatchSnapshot {
  readonly id: Hash
  readonly state: BatchState
  /** In base units. */
  readonly charged: bigint
  readonly best: BatchBook['best']
}

const bookEntrySchema = z.object({
  id: hashSchema,
  config: batchConfigSchema,
  state: z.object({
    balance: uintSchema(128),
    totalClaimed: uintSchema(128),
    withdrawing: uintSchema(128),
    withdrawRequestedAt: z.int().min(0),
    refundNonce: uintSchema(256),
  }),
  best: z.object({ maxClaimableAmount: uintSchema(128), signature: signatureSchema }).nullable(),
  spent: uintSchema(128),
  refunding: z.object({ nonce: uintSchema(256), amount: uintSchema(128) }).nullable(),
  deposited: z.object({ nonce: hashSchema, charged: uintSchema(128) }).nullable(),
})

/** A book as the ledger's file has it, in JSON. */
export type BatchBookEntry = z.input<typeof bookEntrySchema>

/** Reads a book back. */
export const readBatchBook = (entry: BatchBookEntry): BatchBook => ({
  ...parse(bookEntrySchema, entry, 'book'),
  ...{ held: 0n, unbacked: 0n, requests: 0 },
})

/** Writes a book. */
export function writeBatchBook(book: BatchBook): BatchBookEntry {
  const { id, config, state, best, spent, refunding, deposited } = book
  return {
    id,
    config,
    spent: spent.toString(),
    state: {
      balance: state.balance.toString(),
      totalClaimed: state.totalClaimed.toString(),
      withdrawing: state.withdrawing.toString(),
      withdrawRequestedAt: state.withdrawRequestedAt,
      refundNonce: state.refundNonce.toString(),
    },
    best: best === null ? null : { ...best, maxClaimableAmount: best.maxClaimableAmount.toString() },
    refunding:
      refunding === null ? null : { nonce: refunding.nonce.toString(), amount: refunding.amount.toString() },
    deposited: deposited === null ? null : { ...deposited, charged: deposited.charged.toString() },
  }
}

/** Of the balance, what no payer can take away: what is announced to be withdrawn, or agreed to be refunded, counts as gone. */
export function backing({ state, refunding }: BatchBook): bigint {
  const gone = state.withdrawing + (refunding?.amount ?? 0n)
  return state.balance > gone ? state.balance - gone : 0n
}

/** What can be claimed in all: charged, promised and there. */
export function claimable({ spent, held, best, state }: Readonly<BatchBook>): bigint {
  const amounts = [spent - held, best?.maxClaimableAmount ?? 0n, state.balance]
  return amounts.reduce((least, each) => (each < least ? each : least))
}

/** The book for its payer. `inFlight` counts as charged where the payer has to go beyond it. */
export function batchSnapshot(book: BatchBook, { inFlight }: { readonly inFlight: boolean }): BatchSnapshot {
  const { id, state, spent, held, unbacked, best } = book
  return { id, state, best, charged: inFlight ? spent + unbacked : spent - held }
}

/** `extra` of an answer, as the x402 packages have it. */
export const batchExtra = ({ id, state, charged }: BatchSnapshot) => ({
  channelState: { chargedCumulativeAmount: charged.toString(), ...batchStateToJson(id, state) },
})

/** `extra` of a corrective 402: a voucher of the payer's own proves it. */
export const batchCorrection = (snapshot: BatchSnapshot) => ({
  ...batchExtra(snapshot),
  ...(snapshot.best === null
    ? {}
    : {
        voucherState: {
          signedMaxClaimable: snapshot.best.maxClaimableAmount.toString(),
          signature: snapshot.best.signature,
        },
      }),
})
