import { hashSchema, parse, signatureSchema, uintSchema } from '@millrace/sdk'
import { type Address, getAddress, type Hash, type Hex, recoverTypedDataAddress, zeroHash } from 'viem'
import * as z from 'zod'
import { batchExtraSchema } from '../batch/batchExtraSchema.ts'
import { createBatchHasher } from '../batch/createBatchHasher.ts'
import { type BatchConfig, batchConfigSchema } from '../batch/payload.ts'
import { batchDomain, batchTypes, receiveTypes } from '../batch/types.ts'
import { openCurve } from '../curve/openCurve.ts'
import { toHex } from '../curve/words.ts'
import { atomicSchema, type PaymentRequirements } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { batchPayload, checksummed } from './batchPayload.ts'
import type { BatchPayment, BatchWallet, BatchWalletChannel, BatchWalletOptions } from './batchWallet.ts'
import { DepositLimitError, SnapshotForgedError } from './errors.ts'
import { openOwns } from './openOwns.ts'

const pendingSchema = z.object({
  amount: uintSchema(128),
  validBefore: uintSchema(64),
  salt: hashSchema,
  signature: signatureSchema,
})
const entrySchema = z.object({
  config: batchConfigSchema,
  signed: uintSchema(128),
  charged: uintSchema(128),
  pending: pendingSchema.nullable(),
})
type Entry = z.input<typeof entrySchema>
type Known = z.output<typeof entrySchema>

interface Own extends BatchWalletChannel {
  balance: bigint
  signed: bigint
  charged: bigint
  /** A deposit that was signed and is not seen on chain: it is sent again rather than another signed. */
  pending: z.output<typeof pendingSchema> | null
  /** The payment under way, for which later ones wait. */
  turn: Promise<void>
}

/** Longest that a deposit's authorization is good, in seconds, whatever is asked for. */
const longestAuthorization = 3600
/** Seconds that it must still be good for to be sent again. */
const margin = 10n

/**
 * Opens a payer's channels of x402's `batch-settlement`. A voucher is on disk before it leaves, and counts against the budget by what
 * it promises beyond the last one. The payer needs no gas: deposits are authorizations that sellers have sent.
 *
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 * @example
 * const batch = await openBatchWallet({ path, deployment, currency, payer, budget, readChannel, maxDeposit: 5_000_000n })
 */
export async function openBatchWallet(options: BatchWalletOptions): Promise<BatchWallet> {
  const { deployment, currency, payer, budget, readChannel, maxDeposit } = options
  const { signer = payer, now = () => Math.floor(Date.now() / 1000) } = options
  const { chainId } = deployment
  const hasher = createBatchHasher(await openCurve())
  const owns = await openOwns<Own, Known, Entry>({
    path: options.path,
    read: (entry) => parse(entrySchema, entry, 'channel'),
    idOf: ({ config }) => hasher.channel(chainId, config),
    write: entryOf,
  })
  const { note } = owns

  async function load(config: BatchConfig, id: Hash): Promise<Own> {
    const { balance, totalClaimed } = await readChannel(id)
    const before = owns.before(id)
    const atLeast = (value: bigint | undefined) =>
      value !== undefined && value > totalClaimed ? value : totalClaimed
    return {
      ...{ id, config, balance, turn: Promise.resolve(), pending: before?.pending ?? null },
      ...{ signed: atLeast(before?.signed), charged: atLeast(before?.charged) },
    }
  }

  function ownOf(way: PaymentRequirements): Promise<Own> {
    const { receiverAuthorizer, withdrawDelay } = batchExtraSchema.parse(way.extra)
    const lower = (address: string) => address.toLowerCase() as Address
    const config: BatchConfig = {
      ...{ payer: lower(payer.address), payerAuthorizer: lower(signer.address), receiver: lower(way.payTo) },
      ...{ receiverAuthorizer: lower(receiverAuthorizer), token: lower(way.asset), withdrawDelay },
      // Always the same, so that a wallet that lost its file finds the channel.
      salt: zeroHash,
    }
    const id = hasher.channel(chainId, config)
    return owns.get(id, () => load(config, id))
  }

  /** Reads the channel's balance; a deposit that is seen, or cannot come any more, is no longer expected. */
  async function look(own: Own): Promise<void> {
    const before = own.balance
    const { balance, totalClaimed } = await readChannel(own.id)
    own.balance = balance
    if (own.charged < totalClaimed) own.charged = totalClaimed
    if (own.signed < totalClaimed) own.signed = totalClaimed
    const { pending } = own
    if (pending === null) return
    if (balance >= before + pending.amount || pending.validBefore < BigInt(now())) own.pending = null
  }

  /** Waits for the payment under way; the returned function lets the next one go. */
  async function turnOf(own: Own): Promise<() => void> {
    let finish: () => void = () => {}
    const before = own.turn
    own.turn = new Promise((resolve) => {
      finish = resolve
    })
    await before
    return finish
  }

  async function signVoucher(own: Own, maxClaimableAmount: bigint) {
    const signature = await signer.signTypedData({
      domain: batchDomain(chainId),
      types: batchTypes,
      primaryType: 'Voucher',
      message: { channelId: own.id, maxClaimableAmount },
    })
    return { channelId: own.id, maxClaimableAmount: maxClaimableAmount.toString(), signature }
  }

  /** A deposit that brings the channel up to `least`. */
  async function depositUpTo(own: Own, least: bigint, way: PaymentRequirements) {
    const missing = least - own.balance
    const known = own.pending
    if (known !== null && known.amount >= missing && known.validBefore > BigInt(now()) + margin) return known
    const { name, version, minDeposit } = batchExtraSchema.parse(way.extra)
    const locked = own.balance - own.charged + (known?.amount ?? 0n)
    const room = maxDeposit - (locked > 0n ? locked : 0n)
    if (missing > room) throw new DepositLimitError({ channel: own.id, needed: least, most: maxDeposit })
    const wanted = BigInt(minDeposit ?? '0') > missing ? BigInt(minDeposit ?? '0') : missing
    const amount = wanted > room ? room : wanted
    const life = Math.min(way.maxTimeoutSeconds, longestAuthorization)
    const validBefore = BigInt(now() + life)
    const salt = toHex(crypto.getRandomValues(new Uint8Array(32)))
    const signature = await payer.signTypedData({
      domain: { name, version, chainId, verifyingContract: currency.address },
      types: receiveTypes,
      primaryType: 'ReceiveWithAuthorization',
      message: {
        ...{ from: payer.address, to: x402Contracts.erc3009DepositCollector, value: amount },
        ...{ validAfter: 0n, validBefore, nonce: hasher.nonce(own.id, salt) },
      },
    })
    return { amount, validBefore, salt, signature }
  }

  async function prepare(way: PaymentRequirements, service: string): Promise<BatchPayment> {
    const own = await ownOf(way)
    const finish = await turnOf(own)
    const price = BigInt(way.amount)
    try {
      const max = own.charged + price
      if (own.pending !== null) await look(own)
      const deposit = max > own.balance ? await depositUpTo(own, max, way) : null
      const more = max > own.signed ? max - own.signed : 0n
      const reservation = await budget.reserve({ amount: more, payee: way.payTo.toLowerCase(), service })
      const voucher = await signVoucher(own, max).catch(async (error: unknown) => {
        await reservation.release()
        throw error
      })
      if (own.signed < max) own.signed = max
      if (deposit !== null) own.pending = deposit
      // Both are on disk before the voucher leaves.
      await Promise.all([note(own), reservation.capture(more)])
      return ending(own, { finish, price, deposit, payload: batchPayload(own.config, voucher, deposit) })
    } catch (error) {
      finish()
      throw error
    }
  }

  function ending(
    own: Own,
    sent: {
      readonly finish: () => void
      readonly price: bigint
      readonly deposit: Own['pending']
      readonly payload: Readonly<Record<string, unknown>>
    },
  ): BatchPayment {
    const { finish, price, deposit, payload } = sent
    const inTurn =
      <parameters extends readonly unknown[], result>(work: (...given: parameters) => Promise<result>) =>
      async (...given: parameters): Promise<result> => {
        try {
          return await work(...given)
        } finally {
          finish()
        }
      }
    return {
      payload,
      done: inTurn(async (settled, isFree) => {
        const said = atomicSchema.safeParse(settled?.extra?.chargedAmount)
        const told = said.success ? BigInt(said.data) : isFree ? 0n : price
        // More than was promised for it cannot be charged.
        const charged = told < price ? told : price
        own.charged += charged
        if (deposit !== null && settled?.success === true) {
          own.balance += deposit.amount
          own.pending = null
        } else if (deposit !== null) await look(own).catch(() => {})
        await note(own)
        return charged
      }),
      unknown: inTurn(async () => {
        // Whether it was charged the next answer says; whether it was deposited, the chain.
        if (deposit !== null) await look(own).catch(() => {})
      }),
      refused: inTurn(async (way) => {
        if (deposit !== null) await look(own)
        if (way !== null) await learn(own, way)
      }),
    }
  }

  /** Takes over what a seller says of the channel, as far as it was promised: before, or by a voucher that it shows. */
  async function learn(own: Own, way: PaymentRequirements): Promise<void> {
    const { channelState, voucherState } = batchExtraSchema.parse(way.extra)
    if (channelState?.chargedCumulativeAmount === undefined) return
    const charged = BigInt(channelState.chargedCumulativeAmount)
    if (charged > own.signed) {
      const proven = voucherState === undefined ? 0n : await provenBy(own, voucherState)
      if (charged > proven)
        throw new SnapshotForgedError({
          channel: own.id,
          reason: `${charged} were charged of ${proven > own.signed ? proven : own.signed} that are promised`,
        })
      own.signed = proven
    }
    const { totalClaimed, balance } = await readChannel(own.id)
    own.balance = balance
    own.charged = charged > totalClaimed ? charged : totalClaimed
    await note(own)
  }

  async function provenBy(
    own: Own,
    state: { readonly signedMaxClaimable: string; readonly signature: Hex },
  ): Promise<bigint> {
    const maxClaimableAmount = BigInt(state.signedMaxClaimable)
    const by = await recoverTypedDataAddress({
      domain: batchDomain(chainId),
      types: batchTypes,
      primaryType: 'Voucher',
      message: { channelId: own.id, maxClaimableAmount },
      signature: state.signature,
    }).catch(() => null)
    return by !== null && getAddress(by) === getAddress(signer.address) ? maxClaimableAmount : 0n
  }

  async function refund(way: PaymentRequirements, amount?: bigint): Promise<BatchPayment> {
    const own = await ownOf(way)
    const finish = await turnOf(own)
    try {
      // Never of more than was promised before: what was charged is within it.
      const voucher = await signVoucher(own, own.charged)
      const asked = amount === undefined ? {} : { amount: amount.toString() }
      const payload = { type: 'refund', channelConfig: checksummed(own.config), voucher, ...asked }
      const payment = ending(own, { finish, price: 0n, deposit: null, payload })
      return {
        ...payment,
        async done(settled, isFree) {
          await look(own).catch(() => {})
          return payment.done(settled, isFree)
        },
      }
    } catch (error) {
      finish()
      throw error
    }
  }

  return {
    prepare,
    refund,
    channels: () =>
      owns.all().map(({ id, config, balance, signed, charged }) => ({
        ...{ id, config, balance, signed, charged },
      })),
    close: owns.close,
  }
}

function entryOf({ config, signed, charged, pending }: Known): Entry {
  const written =
    pending === null
      ? null
      : { ...pending, amount: pending.amount.toString(), validBefore: pending.validBefore.toString() }
  return { config, signed: signed.toString(), charged: charged.toString(), pending: written }
}
