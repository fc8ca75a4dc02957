import type { Channel, ChannelState, ChannelsDomain, Tick } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import type { ChannelBook } from './channelBook.ts'
import type { ChannelAt, CloseRequest } from './closing.ts'
import type { HoldAhead } from './holdAhead.ts'
import type { ChannelPayment, ChannelTick } from './payment.ts'
import type { ChannelSnapshot } from './snapshot.ts'

/** Who is paid on the channels of a ledger: an account, or an asset's till. */
export type Payee = { readonly account: Address } | { readonly asset: bigint }

/** What a ledger asks of the chain. `getChannel` of the SDK, at the depth at which the seller trusts a deposit. */
export type ReadChannel = (id: Hash) => Promise<ChannelState>

/** How a ledger is opened. */
export interface LedgerOptions extends ChannelsDomain {
  /** File that holds it; it has one user at a time. */
  readonly path: string
  readonly payee: Payee
  readonly currency: Address
  readonly readChannel: ReadChannel
  /** Sends an authorization that opens or tops up a channel, and waits until the chain shows it. Without it payers fund channels themselves. */
  readonly fund?: (channel: Channel, funding: NonNullable<ChannelPayment['funding']>) => Promise<void>
  /** Least that an authorization must bring to be sent, in base units: a transaction costs gas. Default 1. */
  readonly leastFunding?: bigint
  /** Shortest close delay that is taken, in seconds. Default 900. */
  readonly leastCloseDelay?: number
  /**
   * For how long the chain's word on a channel is taken, in milliseconds; then it is asked again before more is served. Must be far
   * below the shortest close delay: who asks for the end in between is served no longer than this. Default 60 000.
   */
  readonly freshMs?: number
  /**
   * Reads a channel and the time of the block that shows it, at the depth at which the seller trusts a close: `readChannelAt`. Without it
   * no ends of channels are agreed.
   */
  readonly readChannelAt?: (id: Hash) => Promise<ChannelAt>
  /** Furthest that the deadline of an agreed end may be away, in seconds; must be far below the shortest close delay. Default 300. */
  readonly longestEnding?: number
  /** Milliseconds from anywhere. Default: this process's own clock. */
  readonly now?: () => number
}

/** Money of a channel that is held for one request. */
export interface Hold {
  readonly payer: Address
  readonly channel: Hash
  /** Most that can be captured. */
  readonly held: bigint
  /** Holds `amount` more, out of what is promised beyond. `false` if that is not enough. */
  extend(amount: bigint): boolean
  /** Charges `amount`; the rest is free for further requests. */
  capture(amount: bigint): ChannelSnapshot
  /** Charges nothing. */
  release(): ChannelSnapshot
}

/** What a payee may sign now. */
export interface AgreedEnd {
  readonly channel: Hash
  readonly epoch: bigint
  readonly claimed: bigint
  readonly deadline: number
}

/** A payee's books of all its channels. */
export interface Ledger {
  readonly payee: Payee
  /** Whether it sends authorizations that fund channels, and what they must bring. */
  readonly funds: boolean
  readonly leastFunding: bigint
  /**
   * Takes what a payment promises. Resolves when it is on disk.
   *
   * @throws ChannelForeignError | ChannelNotOpenError | VoucherForeignError | VoucherSignatureError | DepositTooLowError |
   * TickForeignError | TickInvalidError | TicksTooManyError | JournalWriteError
   */
  accept(payment: ChannelPayment | ChannelTick): Promise<ChannelSnapshot>
  /**
   * Takes a payment and holds `amount` of it for a request. Resolves when both are on disk: nothing is served before.
   *
   * @throws VoucherTooLowError and what `accept` throws
   */
  hold(payment: ChannelPayment | ChannelTick, amount: bigint): Promise<Hold>
  /**
   * The same ahead of the disk, for work that takes longer than a write: nothing of it is given out before `kept` resolves. Where that
   * rejects nothing may be, and the hold is to be released. Once the disk has refused a write, the next one is waited for here.
   *
   * @throws VoucherTooLowError and what `accept` throws; `kept` rejects with JournalWriteError
   */
  holdAhead(payment: ChannelPayment | ChannelTick, amount: bigint): Promise<HoldAhead<Hold>>
  /**
   * Takes a tick of the voucher that counts, in about the time of one hash. It is on disk after the next `flush`; what a crash
   * takes before that is what was served since.
   *
   * @returns What the channel promises now.
   * @throws ChannelNotOpenError | TickForeignError | TickInvalidError | TicksTooManyError | DepositTooLowError
   */
  tick(channel: Hash, tick: Tick): bigint
  /** Whether ends of channels can be agreed. */
  readonly ends: boolean
  /**
   * Agrees to the end of a channel at exactly what was charged: when it resolves, that is on disk, and nothing is served on this life of
   * the channel until the chain shows that the end was not used by its deadline. Asked again with the same, it agrees again.
   *
   * @throws CloseUnsupportedError | CloseRequestInvalidError | ChannelBusyError | CloseSumError | ChannelForeignError |
   * ChannelNotOpenError | VoucherForeignError | VoucherSignatureError | JournalWriteError
   */
  end(request: CloseRequest): Promise<AgreedEnd>
  /** Resolves once the channel promises `worth`, or with `false` after `ms` without. */
  waitForWorth(channel: Hash, worth: bigint, ms: number): Promise<boolean>
  /** The book of a channel, if it has one. */
  book(channel: Hash): Readonly<ChannelBook> | undefined
  /** Books with something promised, as they are now. */
  books(): readonly Readonly<ChannelBook>[]
  /** Reads the channel's deposit, claims and close from the chain. */
  refresh(channel: Hash): Promise<void>
  /** Waits for what was taken to be on disk. */
  flush(): Promise<void>
  close(): Promise<void>
}
