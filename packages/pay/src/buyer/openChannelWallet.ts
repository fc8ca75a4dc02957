import { openJournal } from '@millrace/journal'
import {
  type Channel,
  type ChannelState,
  type Currency,
  channelSchema,
  channelToJson,
  type Deployment,
  hashChannel,
  hashVoucher,
  maxTicks,
  parse,
  recoverSigner,
  type Signer,
  signChannelAuthorization,
  signVoucher,
  uintSchema,
  voucherWorth,
} from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual, keccak256, zeroAddress, zeroHash } from 'viem'
import * as z from 'zod'
import type { Payee } from '../ledger/openLedger.ts'
import type { ChannelPayment } from '../ledger/payment.ts'
import type { ChannelSnapshot } from '../ledger/snapshot.ts'
import { DepositLimitError, SnapshotForgedError } from './errors.ts'
import type { Budget, BudgetReservation, Spending } from './openBudget.ts'
import { newChain, paymentOf, type TickPurse, ticksFor } from './tickPurse.ts'

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

/** A payment that is signed and on disk. Exactly one of its ends is called, once the answer is there. */
export interface PreparedPayment {
  readonly payment: ChannelPayment
  /** The seller began its answer: it took the payment, and what funds the channel. Further payments need not wait for the end. */
  taken(): Promise<void>
  /** The seller charged `charged`, at most the price. */
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
}

/** A payer's channels. */
export interface ChannelWallet {
  /**
   * Signs what a request costs. Any number can be prepared before the first is answered. The budget is asked for what is
   * promised beyond earlier promises, before it is signed; the voucher is on disk before it is returned.
   *
   * @throws BudgetExceededError | DepositLimitError | JournalWriteError
   */
  prepare(spending: ChannelSpending): Promise<PreparedPayment>
  channels(): readonly WalletChannel[]
  close(): Promise<void>
}

const entrySchema = z.object({
  channel: channelSchema,
  epoch: uintSchema(64),
  signed: uintSchema(128),
  charged: uintSchema(128),
})
type Entry = z.input<typeof entrySchema>

function entryOf({ channel, epoch, signed, charged }: z.output<typeof entrySchema>): Entry {
  return {
    channel: channelToJson(channel),
    epoch: epoch.toString(),
    signed: signed.toString(),
    charged: charged.toString(),
  }
}

interface Own extends WalletChannel {
  epoch: bigint
  deposit: bigint
  signed: bigint
  charged: bigint
  /** Prices of requests that are not answered yet. */
  inFlight: bigint
  /** Words that pay without a signature; null where the next payment signs. */
  purse: TickPurse | null
  /** Price of the last payment: the second of one price makes a chain of words. */
  lastPrice: bigint | null
  /** A deposit that is on its way, for which later payments wait. */
  funding: Promise<void> | null
}

const compactAfter = 5_000
/** Seconds for which an authorization is good. */
const authorizationLife = 3600

/**
 * Opens a payer's channels. A voucher is on disk before it leaves, and counts against the budget by what it promises beyond
 * the last one. A wallet that lost its file finds its channels again by their parties, and learns what it had signed from the
 * seller, who must show the voucher.
 *
 * @throws JournalCorruptError | JournalWriteError
 * @example
 * const wallet = await openChannelWallet({ path, deployment, currency, payer, budget, readChannel, maxDeposit: 5_000_000n })
 */
export async function openChannelWallet(options: ChannelWalletOptions): Promise<ChannelWallet> {
  const { deployment, currency, payer, budget, readChannel, maxDeposit } = options
  const signer = options.signer ?? payer
  const journal = await openJournal<Entry>({ path: options.path, exclusive: true })
  const kept = new Map<Hash, z.output<typeof entrySchema>>()
  for (const { entry } of journal.replayed) {
    const known = parse(entrySchema, entry, 'channel')
    kept.set(hashChannel(known.channel, deployment), known)
  }
  const owns = new Map<Hash, Promise<Own>>()
  const opened = new Map<Hash, Own>()

  function channelFor({ payee, closeDelay }: Pick<ChannelSpending, 'payee' | 'closeDelay'>): Channel {
    return {
      payer: payer.address,
      signer: signer.address,
      payee: 'account' in payee ? payee.account : zeroAddress,
      asset: 'asset' in payee ? payee.asset : 0n,
      currency: currency.address,
      closeDelay: Math.max(closeDelay, 900),
      // Always the same, so that a wallet that lost its file finds the channel.
      salt: zeroHash,
    }
  }

  async function load(channel: Channel, id: Hash): Promise<Own> {
    const state = await readChannel(id)
    const before = kept.get(id)
    const same = before !== undefined && before.epoch === state.epoch
    const floor = state.claimed
    const own: Own = {
      ...{ id, channel, epoch: state.epoch, deposit: state.deposit, inFlight: 0n, funding: null },
      ...{ purse: null, lastPrice: null },
      signed: same && before.signed > floor ? before.signed : floor,
      // What was in flight when we stopped may have been charged.
      charged: same && before.signed > floor ? before.signed : floor,
    }
    opened.set(id, own)
    return own
  }

  function ownOf(channel: Channel): Promise<Own> {
    const id = hashChannel(channel, deployment)
    const known = owns.get(id)
    if (known !== undefined) return known
    const loading = load(channel, id)
    owns.set(id, loading)
    loading.catch(() => owns.delete(id))
    return loading
  }

  async function note(own: Own): Promise<void> {
    await journal.append(entryOf(own))
    if (journal.length <= compactAfter) return
    // Those that were not used since the start are kept as they were.
    const idle = [...kept].flatMap(([id, entry]) => (opened.has(id) ? [] : [entry]))
    await journal.compact(() => [...idle, ...opened.values()].map(entryOf))
  }

  /** Brings the channel's deposit up to `least`; by a transaction, or by an authorization that goes with the payment. */
  async function fundUpTo(own: Own, least: bigint, spending: ChannelSpending) {
    const missing = least - own.deposit
    const wanted = spending.deposit > missing ? spending.deposit : missing
    const room = maxDeposit - own.deposit
    if (missing > room) throw new DepositLimitError({ channel: own.id, needed: least, most: maxDeposit })
    const amount = wanted > room ? room : wanted
    if (options.fund !== undefined) {
      await options.fund(own.channel, amount)
      await look(own)
      return undefined
    }
    const validBefore = BigInt(Math.floor(Date.now() / 1000) + authorizationLife)
    const { channel, epoch } = own
    return signChannelAuthorization(payer, { deployment, currency, channel, epoch, amount, validBefore })
  }

  async function look(own: Own): Promise<void> {
    const state = await readChannel(own.id)
    if (state.epoch !== own.epoch) {
      own.epoch = state.epoch
      own.purse = null
      own.signed = state.claimed
      own.charged = state.claimed
    }
    own.deposit = state.deposit
  }

  async function prepare(spending: ChannelSpending): Promise<PreparedPayment> {
    const { amount, service, terms, payee } = spending
    const own = await ownOf(channelFor(spending))
    const taken: BudgetReservation[] = []
    const named = 'account' in payee ? payee.account.toLowerCase() : `asset:${payee.asset}`
    const reserve = (money: bigint) =>
      budget.reserve({
        ...{ amount: money, payee: named, service },
        // What is added for the same payment is no repetition.
        ...(spending.ref === undefined || taken.length > 0 ? {} : { ref: spending.ref }),
      })
    const target = () => {
      const committed = own.charged + own.inFlight + amount
      return committed > own.signed ? committed : own.signed
    }
    let reserved = 0n
    let funding: ChannelPayment['funding']
    let funded: () => void = () => {}
    try {
      for (;;) {
        // A reservation of the whole price, so that what parallel payments do meanwhile is covered too.
        const most = target() - own.signed > amount ? target() - own.signed : amount
        if (reserved < most) {
          taken.push(await reserve(most - reserved))
          reserved = most
          continue
        }
        if (own.funding !== null) {
          await own.funding
          continue
        }
        if (target() > own.deposit) {
          own.funding = new Promise((resolve) => {
            funded = () => {
              own.funding = null
              resolve()
            }
          })
          funding = await fundUpTo(own, target(), spending)
          // By a transaction it is there; by an authorization it is once the seller has answered.
          if (funding === undefined) {
            funded()
            funded = () => {}
            continue
          }
        }
        break
      }
    } catch (error) {
      funded()
      await Promise.all(taken.map((reservation) => reservation.release()))
      throw error
    }
    // Nothing else runs from here until the promise is counted.
    const cumulative = target()
    const missing = cumulative - own.signed
    let left = missing
    own.signed = cumulative
    own.inFlight += amount
    const captures = taken.map((reservation) => {
      const part = left < reservation.amount ? left : reservation.amount
      left -= part
      return reservation.capture(part)
    })
    const sent = promise(own, { missing, cumulative, terms, amount })
    let open = true
    let isTaken = false
    const settleFunding = async () => {
      if (isTaken) return
      isTaken = true
      if (funding !== undefined) await look(own).catch(() => {})
      funded()
    }
    const finish = async (charged: bigint) => {
      if (!open) return
      open = false
      own.inFlight -= amount
      own.charged += charged
      await settleFunding()
      await note(own)
    }
    try {
      const [signed] = await Promise.all([sent, note(own), ...captures])
      return {
        payment: {
          ...{ channel: own.channel, ...signed },
          ...(funding === undefined ? {} : { funding }),
        },
        taken: settleFunding,
        done: (charged) => finish(charged > amount ? amount : charged),
        unknown: () => finish(amount),
        async refused(snapshot) {
          // Whatever it is about the words: the next payment is signed.
          own.purse = null
          await finish(0n)
          if (snapshot !== null) await learn(own, snapshot)
        },
      }
    } catch (error) {
      await finish(0n).catch(() => {})
      throw error
    }
  }

  /** Promises what is missing: by words of the last voucher's chain, or by a new voucher. */
  function promise(
    own: Own,
    paid: {
      readonly missing: bigint
      readonly cumulative: bigint
      readonly terms: Hash
      readonly amount: bigint
    },
  ): Promise<Omit<ChannelPayment, 'channel'>> {
    const { missing, cumulative, terms, amount } = paid
    const { purse, epoch } = own
    const more = purse === null ? null : ticksFor(purse, { missing, epoch, terms })
    if (purse !== null && more !== null) {
      purse.used += more
      return paymentOf({ ...purse })
    }
    const isSecond = own.lastPrice === amount && amount > 0n
    own.lastPrice = amount
    own.purse = null
    const plain = { channel: own.id, epoch, cumulative, terms }
    if (!isSecond) {
      const voucher = { ...plain, anchor: zeroHash, tickPrice: 0n, maxTicks: 0 }
      return signVoucher(signer, voucher, deployment).then((signature) => ({ voucher, signature }))
    }
    const { chain, tickPrice } = newChain(amount)
    const voucher = { ...plain, anchor: chain.anchor, tickPrice, maxTicks: chain.length }
    own.purse = { voucher, signature: signVoucher(signer, voucher, deployment), chain, used: 0 }
    return paymentOf(own.purse)
  }

  /** Takes over what a seller can prove: it was signed by us. */
  async function learn(own: Own, snapshot: ChannelSnapshot): Promise<void> {
    const forged = (reason: string) => new SnapshotForgedError({ channel: own.id, reason })
    const { best, spent, worth, epoch, channel, ticks, word } = snapshot
    if (channel !== own.id) throw forged(`it is of channel '${channel}'`)
    if (epoch !== own.epoch) {
      await look(own)
      if (epoch !== own.epoch) throw forged(`it is of epoch ${epoch}, on chain it is ${own.epoch}`)
    }
    if (spent > worth) throw forged(`${spent} were charged of ${worth} that are promised`)
    const shown = best !== null && isWordOf(best.voucher.anchor, word, ticks) ? ticks : 0
    const proven = best === null ? 0n : voucherWorth(best.voucher, shown)
    const beyond = worth > proven ? worth : proven
    if (beyond > own.signed) {
      const { voucher, signature } = best ?? {}
      const digest = voucher === undefined ? null : hashVoucher(voucher, deployment)
      const by = digest === null ? null : await recoverSigner(digest, signature ?? '0x')
      const isOurs =
        voucher?.channel === own.id &&
        voucher.epoch === own.epoch &&
        by !== null &&
        isAddressEqual(by, signer.address)
      if (!isOurs || beyond > proven) throw forged(`${beyond} are promised by no voucher of ours`)
      own.signed = beyond
      own.purse = null
    }
    const others = own.inFlight
    const charged = spent > others ? spent - others : 0n
    if (charged > own.charged) own.charged = charged > own.signed ? own.signed : charged
    await note(own)
  }

  return {
    prepare,
    channels: () =>
      [...opened.values()].map(({ id, channel, epoch, deposit, signed, charged }) => ({
        ...{ id, channel, epoch, deposit, signed, charged },
      })),
    close: () => journal.close(),
  }
}

/** Whether a word, hashed as often as it is said to be before the anchor, gives it: only who made the chain could show it. */
function isWordOf(anchor: Hash, word: Hash | null, ticks: number): boolean {
  if (word === null || ticks < 1 || ticks > maxTicks) return false
  let walked = word
  for (let left = ticks; left > 0; left--) walked = keccak256(walked)
  return walked === anchor
}
