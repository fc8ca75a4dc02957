import type { Currency, Deployment, Signer } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import type { BatchConfig } from '../batch/payload.ts'
import type { BatchState } from '../batch/readBatchChannel.ts'
import type { PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import type { Budget } from './openBudget.ts'

/** How a payer's channels of `batch-settlement` are opened. */
export interface BatchWalletOptions {
  /** File that holds what was signed; it has one user at a time. */
  readonly path: string
  readonly deployment: Pick<Deployment, 'chainId'>
  readonly currency: Currency
  /** Whose money it is. Signs deposits. */
  readonly payer: Signer & { readonly address: Address }
  /** Signs vouchers. Default: the payer. */
  readonly signer?: Signer & { readonly address: Address }
  readonly budget: Budget
  /** `readBatchChannel` of the chain. */
  readonly readChannel: (id: Hash) => Promise<BatchState>
  /** Most that is locked in one channel, in base units. */
  readonly maxDeposit: bigint
  /** Unix seconds. Default: the system's clock. */
  readonly now?: () => number
}

/** A payment that is signed and on disk. Exactly one of its ends is called, once the answer is there. */
export interface BatchPayment {
  readonly payload: Readonly<Record<string, unknown>>
  /** The seller answered; `isFree` where it failed without a word of payment. What it charged, in base units. */
  done(settled: SettleResponse | null, isFree: boolean): Promise<bigint>
  /** Nobody knows: the next payment asks. */
  unknown(): Promise<void>
  /** The seller refused, and asks for this instead, or says nothing. What the payer forgot is learned from it if it proves it. */
  refused(way: PaymentRequirements | null): Promise<void>
}

/** What a payer has on a channel of `batch-settlement`. Amounts in base units. */
export interface BatchWalletChannel {
  readonly id: Hash
  readonly config: BatchConfig
  readonly balance: bigint
  /** Promised in all: what the receiver can claim. */
  readonly signed: bigint
  /** What the seller said it charged. */
  readonly charged: bigint
}

/** A payer's channels of `batch-settlement`. */
export interface BatchWallet {
  /**
   * Signs what a request costs, and a deposit where the channel holds too little. One payment at a time is under way on a channel, for
   * sellers of the x402 packages take no other: further ones wait. The budget is asked for what is promised beyond earlier promises.
   *
   * @throws BudgetExceededError | DepositLimitError | JournalWriteError | ChainUnreachableError
   */
  prepare(way: PaymentRequirements, service: string): Promise<BatchPayment>
  /** Signs the wish for what was not charged of a channel, or for `amount` of it. `refused` and `done` end it. */
  refund(way: PaymentRequirements, amount?: bigint): Promise<BatchPayment>
  channels(): readonly BatchWalletChannel[]
  close(): Promise<void>
}
