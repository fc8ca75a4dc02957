import type { Channel, ChannelState, Currency, Deployment, Signer } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import type { CloseRequest } from '../ledger/closing.ts'
import type { Payee } from '../ledger/ledger.ts'
import type { ChannelPayment, ChannelTick } from '../ledger/payment.ts'
import type { ChannelSnapshot } from '../ledger/snapshot.ts'
import type { Budget, Spending } from './openBudget.ts'

/** How a payer's channels are opened. */
export interface ChannelWalletOptions {
  /** File that holds what was signed; it has one user at a time. */
  readonly path: string
  readonly deployment: Deployment
  readonly currency: Currency
  /** Whose money it is. Signs what funds a channel, and nothing else. */
  readonly payer: Signer & { readonly address: Address }
  /** Signs vouchers. Default: the payer. */
  readonly signer?: Signer & { readonly address: Address }
  readonly budget: Budget
  readonly readChannel: (id: Hash) => Promise<ChannelState>
  /** Opens or tops up a channel by a transaction of the payer's own. Without it only sellers that fund are paid. */
  readonly fund?: (channel: Channel, amount: bigint) => Promise<void>
  /** Most that is locked in one channel, in base units: what is at stake if its key is lost. */
  readonly maxDeposit: bigint
}

/** What is to be paid on a channel. */
export interface ChannelSpending extends Omit<Spending, 'payee'> {
  readonly payee: Payee
  /** What the seller asks for in a new channel. */
  readonly deposit: bigint
  /** What the seller asks for, in seconds. */
  readonly closeDelay: number
  readonly terms: Hash
  /** Whether the seller sends authorizations. */
  readonly funds: boolean
}

/** What is sent for one promise. */
export interface SignedPromise {
  /** All of it, for a payee that may know nothing. */
  readonly payment: ChannelPayment
  /** The same for a payee that knows the voucher: one word. Null where it is not known to. */
  readonly tick: ChannelTick | null
  /** The payee answered to it, so that later ones can build on it. */
  arrived(): Promise<void>
}

/** A payment that is signed and on disk. Exactly one of its ends is called, once the answer is there. */
export interface PreparedPayment extends SignedPromise {
  /** Promises `amount` more for the same answer, while it streams. As `prepare`, with its errors. */
  more(amount: bigint): Promise<SignedPromise>
  /** The seller charged `charged`, at most the price and what was added to it. */
  done(charged: bigint): Promise<void>
  /** Nobody knows: it counts as charged in full. */
  unknown(): Promise<void>
  /** The seller refused and shows its book, or nothing. What the payer forgot is learned from it if it proves it. */
  refused(snapshot: ChannelSnapshot | null): Promise<void>
}

/** What a payer has on a channel. Amounts in base units. */
export interface WalletChannel {
  readonly id: Hash
  readonly channel: Channel
  readonly epoch: bigint
  readonly deposit: bigint
  /** Promised in all: what the payee can claim. */
  readonly signed: bigint
  /** What sellers said they charged. */
  readonly charged: bigint
  /** What was paid for last, as in the budget: `GET https://…`; null where it is not known. */
  readonly service: string | null
}

/** A payer's channels. */
export interface ChannelWallet {
  /**
   * Signs what a request costs, or takes the next words of the hash chain of a voucher that was signed before: from the third call of
   * the same price on a call is paid by 32 bytes. Any number can be prepared before the first is answered. The budget is asked for what is
   * promised beyond earlier promises, before it is signed; what is promised in all is on disk before it is returned.
   *
   * @throws BudgetExceededError | DepositLimitError | JournalWriteError
   */
  prepare(spending: ChannelSpending): Promise<PreparedPayment>
  channels(): readonly WalletChannel[]
  /**
   * Signs the wish to end a channel at what was charged. Nothing is promised on it until `askToClose` has seen it through or `until` is over;
   * the wish is never of more than was promised before.
   *
   * @throws ChannelBusyError while requests on it are not answered; ChannelEndingError while another wish is under way
   */
  end(channel: Channel, wish: { readonly until: number; readonly send?: boolean }): Promise<Ending>
  close(): Promise<void>
}

/** A wish to end a channel, under way. */
export interface Ending {
  readonly request: CloseRequest
  /** The wish at the sum that the payee says was charged, if that is within what was promised. */
  at(snapshot: ChannelSnapshot): Promise<CloseRequest>
  /** The chain may show it as closed: further payments open it anew. Or it was refused: they go on. */
  over(): Promise<void>
}
