import type { Signer } from '@millrace/sdk'
import type { Address } from 'viem'
import type { ResourceInfo } from '../wire/x402.ts'
import type { AnswerLimits } from './createAnswers.ts'
import type { MppOptions } from './mppCharge.ts'
import type { PendingAnswers } from './openPendingAnswers.ts'
import type { Price, SellerScheme } from './scheme.ts'

export interface PaywallOptions {
  /** The ways to be paid, the most wanted first. */
  readonly schemes: readonly SellerScheme[]
  /** Signs a receipt for every paid call; without it there is none. */
  readonly receipts?: Signer
  /** Speaks MPP too. */
  readonly mpp?: MppOptions
  /** Most bytes of a request's body; 10 MiB by default. */
  readonly maxBodyBytes?: number
  /** Most bytes of an answer that is held back until it is complete and paid; 8 MiB by default. */
  readonly maxAnswerBytes?: number
  readonly answers?: AnswerLimits
  /** How long an answer that is paid while it streams waits for money, in milliseconds; 10 000 by default. */
  readonly graceMs?: number
  /** Keeps answers whose payment is being settled through a crash of this process; without it they are lost with it. */
  readonly pending?: PendingAnswers
  /** Unix seconds. */
  readonly now?: () => number
}

/** What is sold. */
export interface PaidRoute {
  /** Of a request; 0 is free. */
  readonly price: Price | ((request: Request) => Price | Promise<Price>)
  /** What it is, for clients that show it. */
  readonly resource?: Omit<ResourceInfo, 'url'>
  /**
   * Lets the handler begin while the payment is being written to disk; its answer waits for that. For handlers whose work may be in vain:
   * where the disk does not take the payment, and where this process dies in the moment of the write, nobody pays for it. Default `false`:
   * a handler that sends a letter or opens a door begins once the payment is kept.
   */
  readonly ahead?: boolean
}

/** Who pays for a call, and at most how much. */
export interface PaidCall {
  readonly payer: Address
  readonly ceiling: bigint
  /**
   * Resolves once the payment is on disk: before the handler begins, unless its route is `ahead`. Such a handler waits for it before it does
   * what cannot be taken back.
   *
   * @throws JournalWriteError where the disk does not take it; whatever the handler answers is thrown away then
   */
  readonly kept: Promise<void>
}

/** Answers a request for which money is held. It is null where the route is free. */
export type PaidHandler = (request: Request, call: PaidCall | null) => Response | Promise<Response>

export interface Paywall {
  /** Answers a request: with what to pay, or by `handler` once money is held for it. */
  charge(request: Request, route: PaidRoute, handler: PaidHandler): Promise<Response>
}
