import { openJournal } from '@millrace/journal'
import {
  type Channel,
  type ChannelState,
  type Currency,
  channelSchema,
  channelToJson,
  type Deployment,
  hashChannel,
  parse,
  type Signer,
  signChannelAuthorization,
  signVoucher,
  uintSchema,
  type Voucher,
} from '@millrace/sdk'
import { type Address, type Hash, zeroAddress, zeroHash } from 'viem'
import * as z from 'zod'
import { type CloseRequest, closeVoucher } from '../ledger/closing.ts'
import { ChannelBusyError, ChannelEndingError } from '../ledger/errors.ts'
import type { Payee } from '../ledger/openLedger.ts'
import type { ChannelPayment, ChannelTick } from '../ledger/payment.ts'
import type { ChannelSnapshot } from '../ledger/snapshot.ts'
import { DepositLimitError, SnapshotForgedError } from './errors.ts'
import { nextPromise, type Promising } from './nextPromise.ts'
import type { Budget, BudgetReservation, Spending } from './openBudget.ts'
import { provenWorth } from './provenWorth.ts'

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
  /**
   * The seller charged `charged`, at most the price and what was added to it. What it says that it charged in all counts where it is less
   * and nothing else was under way: an answer that is given once more is not charged again.
   */
  done(charged: bigint, said?: ChargedInAll | null): Promise<void>
  /** Nobody knows: it counts as charged in full. */
  unknown(): Promise<void>
  /** The seller refused and shows its book, or nothing. What the payer forgot is learned from it if it proves it. */
  refused(snapshot: ChannelSnapshot | null): Promise<void>
}

/** What a seller charged on a channel in all. */
export interface ChargedInAll {
  readonly channel: Hash
  readonly epoch: bigint
  /** Base units. */
  readonly spent: bigint
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

const entrySchema = z.object({
  channel: channelSchema,
  epoch: uintSchema(64),
  signed: uintSchema(128),
  charged: uintSchema(128),
  service: z.string().nullable().default(null),
  /** Prices of requests that were not answered; null where it was not written. */
  inFlight: uintSchema(128).nullable().default(null),
})
type Entry = z.input<typeof entrySchema>

function entryOf({
  channel,
  epoch,
  signed,
  charged,
  service,
  inFlight,
}: z.output<typeof entrySchema>): Entry {
  return {
    channel: channelToJson(channel),
    epoch: epoch.toString(),
    signed: signed.toString(),
    charged: charged.toString(),
    service,
    inFlight: inFlight?.toString() ?? null,
  }
}

interface Own extends WalletChannel, Promising {
  epoch: bigint
  deposit: bigint
  signed: bigint
  charged: bigint
  service: string | null
  /** Prices of requests that are not answered yet. */
  inFlight: bigint
  /** Payments that were prepared since the start, and those of them that have no end. */
  begun: number
  open: number
  /** A deposit that is on its way, for which later payments wait. */
  funding: Promise<void> | null
  /** Unix seconds until which its end may be agreed; null where that was not asked for. */
  endsBy: number | null
}

/** What may have been charged when we stopped: all that was answered, and what was in flight. The rest buys the next calls. */
function chargedAtMost(
  { signed, charged, inFlight }: Pick<z.output<typeof entrySchema>, 'signed' | 'charged' | 'inFlight'>,
  floor: bigint,
): bigint {
  const most = inFlight === null || charged + inFlight > signed ? signed : charged + inFlight
  return most > floor ? most : floor
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
      ...{
        id,
        channel,
        epoch: state.epoch,
        deposit: state.deposit,
        inFlight: 0n,
        begun: 0,
        open: 0,
        funding: null,
        endsBy: null,
      },
      ...{ ticking: null, lastPrice: null, service: before?.service ?? null },
      signed: same && before.signed > floor ? before.signed : floor,
      charged: same ? chargedAtMost(before, floor) : floor,
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
      own.signed = state.claimed
      own.charged = state.claimed
    }
    own.deposit = state.deposit
  }

  /** Promises `spending.amount` beyond what was charged and is in flight. */
  async function commit(own: Own, spending: ChannelSpending): Promise<SignedPromise> {
    const { amount, service, terms, payee } = spending
    requireNotEnding(own)
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
    if (own.endsBy !== null) await Promise.all(taken.map((reservation) => reservation.release()))
    requireNotEnding(own)
    // Nothing else runs from here until the promise is counted.
    const cumulative = target()
    const sign = (voucher: Voucher) => signVoucher(signer, voucher, deployment)
    const { voucher, signature, tick, ticking } = nextPromise(own, { cumulative, price: amount, terms, sign })
    let left = cumulative - own.signed
    own.signed = cumulative
    own.service = service
    own.inFlight += amount
    const isKnown = ticking?.known === true
    const captures = taken.map((reservation) => {
      const part = left < reservation.amount ? left : reservation.amount
      left -= part
      return reservation.capture(part)
    })
    try {
      const [signed] = await Promise.all([signature, note(own), ...captures])
      const { channel } = own
      return {
        payment: {
          ...{ channel, voucher, signature: signed },
          ...(tick === null ? {} : { tick }),
          ...(funding === undefined ? {} : { funding }),
        },
        tick:
          isKnown && tick !== null && funding === undefined
            ? { channel: own.id, anchor: voucher.anchor, tick }
            : null,
        async arrived() {
          if (ticking !== null) {
            ticking.known = true
            if (tick !== null && tick.ticks > ticking.acknowledged) ticking.acknowledged = tick.ticks
          }
          if (funding !== undefined) await look(own).catch(() => {})
          funded()
        },
      }
    } catch (error) {
      funded()
      own.ticking = null
      own.inFlight -= amount
      throw error
    }
  }

  function requireNotEnding({ id, endsBy }: Own): void {
    if (endsBy !== null && Date.now() / 1000 <= endsBy)
      throw new ChannelEndingError({ channel: id, deadline: endsBy })
  }

  async function end(
    channel: Channel,
    { until, send = false }: { readonly until: number; readonly send?: boolean },
  ): Promise<Ending> {
    const own = await ownOf(channel)
    requireNotEnding(own)
    if (own.inFlight > 0n) throw new ChannelBusyError({ channel: own.id, requests: 1 })
    own.endsBy = until
    const wish = async (spent: bigint): Promise<CloseRequest> => {
      const voucher = closeVoucher({ channel: own.id, epoch: own.epoch, spent, until })
      return { channel, voucher, signature: await signVoucher(signer, voucher, deployment), until, send }
    }
    const over = async () => {
      own.endsBy = null
      own.ticking = null
      await look(own)
      await note(own)
    }
    try {
      await look(own)
      return {
        request: await wish(own.charged),
        async at(snapshot) {
          await learn(own, snapshot)
          const { spent } = snapshot
          // Whatever it says: more than was promised it could not have claimed either.
          if (spent > own.signed)
            throw new SnapshotForgedError({
              channel: own.id,
              reason: `${spent} were charged of ${own.signed} that are promised`,
            })
          return wish(spent)
        },
        over,
      }
    } catch (error) {
      own.endsBy = null
      throw error
    }
  }

  async function prepare(spending: ChannelSpending): Promise<PreparedPayment> {
    const own = await ownOf(channelFor(spending))
    const began = ++own.begun
    const isAlone = own.open++ === 0
    const promises = [
      await commit(own, spending).catch((error: unknown) => {
        own.open--
        throw error
      }),
    ]
    const [first] = promises as [SignedPromise]
    let price = spending.amount
    let open = true
    const finish = async (charged: bigint, said: ChargedInAll | null = null) => {
      if (!open) return
      open = false
      own.open--
      own.inFlight -= price
      const isKnown = said !== null && said.channel === own.id && said.epoch === own.epoch
      const most = isKnown && isAlone && own.begun === began ? said.spent - own.charged : charged
      if (most > 0n) own.charged += most < charged ? most : charged
      await note(own)
    }
    const arrived = () => Promise.all(promises.map((each) => each.arrived()))
    return {
      ...first,
      async more(amount) {
        const { ref: _, ...further } = spending
        const added = await commit(own, { ...further, amount })
        promises.push(added)
        price += amount
        return added
      },
      async done(charged, said = null) {
        await arrived()
        await finish(charged > price ? price : charged, said)
      },
      async unknown() {
        await arrived()
        // Whether the payee saw it is not known either: the next promise says everything.
        own.ticking = null
        await finish(price)
      },
      async refused(snapshot) {
        await arrived()
        own.ticking = null
        await finish(0n)
        if (snapshot !== null) await learn(own, snapshot)
      },
    }
  }

  /** Takes over what a seller can prove: it was signed by us. */
  async function learn(own: Own, snapshot: ChannelSnapshot): Promise<void> {
    const forged = (reason: string) => new SnapshotForgedError({ channel: own.id, reason })
    const { spent, worth, epoch, channel } = snapshot
    if (channel !== own.id) throw forged(`it is of channel '${channel}'`)
    if (epoch !== own.epoch) {
      await look(own)
      if (epoch !== own.epoch) throw forged(`it is of epoch ${epoch}, on chain it is ${own.epoch}`)
    }
    if (spent > worth) throw forged(`${spent} were charged of ${worth} that are promised`)
    if (worth > own.signed) {
      const of = { domain: deployment, signer: signer.address, id: own.id, epoch: own.epoch }
      const proven = await provenWorth(snapshot, of)
      if (worth > proven) throw forged(`${worth} are promised by nothing of ours`)
      if (proven > own.signed) own.signed = proven
    }
    const others = own.inFlight
    const charged = spent > others ? spent - others : 0n
    if (charged > own.charged) own.charged = charged > own.signed ? own.signed : charged
    await note(own)
  }

  return {
    prepare,
    end,
    channels: () =>
      [...opened.values()].map(({ id, channel, epoch, deposit, signed, charged, service }) => ({
        ...{ id, channel, epoch, deposit, signed, charged, service },
      })),
    close: () => journal.close(),
  }
}
