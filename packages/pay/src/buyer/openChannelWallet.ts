import {
  type Channel,
  channelSchema,
  channelToJson,
  hashChannel,
  parse,
  signChannelAuthorization,
  signVoucher,
  uintSchema,
  type Voucher,
} from '@millrace/sdk'
import { type Hash, zeroAddress, zeroHash } from 'viem'
import * as z from 'zod'
import { type CloseRequest, closeVoucher } from '../ledger/closing.ts'
import { ChannelBusyError, ChannelEndingError } from '../ledger/errors.ts'
import type { ChannelPayment } from '../ledger/payment.ts'
import type { ChannelSnapshot } from '../ledger/snapshot.ts'
import type {
  ChannelSpending,
  ChannelWallet,
  ChannelWalletOptions,
  ChargedInAll,
  Ending,
  PreparedPayment,
  SignedPromise,
  WalletChannel,
} from './channelWallet.ts'
import { DepositLimitError, SnapshotForgedError } from './errors.ts'
import { nextPromise, type Promising } from './nextPromise.ts'
import type { BudgetReservation } from './openBudget.ts'
import { openOwns } from './openOwns.ts'
import { provenWorth } from './provenWorth.ts'

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
type Known = z.output<typeof entrySchema>

function entryOf({ channel, epoch, signed, charged, service, inFlight }: Known): Entry {
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
  { signed, charged, inFlight }: Pick<Known, 'signed' | 'charged' | 'inFlight'>,
  floor: bigint,
): bigint {
  const most = inFlight === null || charged + inFlight > signed ? signed : charged + inFlight
  return most > floor ? most : floor
}

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
  const owns = await openOwns<Own, Known, Entry>({
    path: options.path,
    read: (entry) => parse(entrySchema, entry, 'channel'),
    idOf: ({ channel }) => hashChannel(channel, deployment),
    write: entryOf,
  })
  const { note } = owns

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
    const before = owns.before(id)
    const same = before !== undefined && before.epoch === state.epoch
    const floor = state.claimed
    return {
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
  }

  function ownOf(channel: Channel): Promise<Own> {
    const id = hashChannel(channel, deployment)
    return owns.get(id, () => load(channel, id))
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
          channel,
          voucher,
          signature: signed,
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
      owns.all().map(({ id, channel, epoch, deposit, signed, charged, service }) => ({
        ...{ id, channel, epoch, deposit, signed, charged, service },
      })),
    close: owns.close,
  }
}
