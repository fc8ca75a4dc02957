import { openJournal } from '@millrace/journal'
import {
  type Currency,
  type Deployment,
  hashSchema,
  parse,
  type Signer,
  signatureSchema,
  uintSchema,
} from '@millrace/sdk'
import { type Address, getAddress, type Hash, type Hex, recoverTypedDataAddress, zeroHash } from 'viem'
import * as z from 'zod'
import { createBatchHasher } from '../batch/createBatchHasher.ts'
import { type BatchConfig, batchConfigSchema } from '../batch/payload.ts'
import type { BatchState } from '../batch/readBatchChannel.ts'
import { batchDomain, batchTypes, receiveTypes } from '../batch/types.ts'
import { openCurve } from '../curve/openCurve.ts'
import { toHex } from '../curve/words.ts'
import { atomicSchema, type PaymentRequirements, type SettleResponse } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { DepositLimitError, SnapshotForgedError } from './errors.ts'
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
  /** What was paid for last, `GET https://…`: where the seller can be asked for the rest. */
  readonly service: string | null
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

const pendingSchema = z.object({
  amount: uintSchema(128),
  validBefore: uintSchema(64),
  salt: hashSchema,
  signature: signatureSchema,
  /** What the channel held when it was signed: with it in, it holds so much more. */
  base: uintSchema(128).optional(),
})
const entrySchema = z.object({
  config: batchConfigSchema,
  signed: uintSchema(128),
  charged: uintSchema(128),
  pending: pendingSchema.nullable(),
  service: z.string().nullable().default(null),
})
type Entry = z.input<typeof entrySchema>

interface Own extends BatchWalletChannel {
  balance: bigint
  signed: bigint
  charged: bigint
  service: string | null
  /** A deposit that was signed and is not seen on chain: it is sent again rather than another signed. */
  pending: z.output<typeof pendingSchema> | null
  /** The payment under way, for which later ones wait. */
  turn: Promise<void>
}

/** `extra` of requirements of `batch-settlement`, as a buyer reads it. */
export const batchExtraSchema = z.object({
  name: z.string().min(1),
  version: z.string().min(1),
  receiverAuthorizer: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .refine((value) => !/^0x0{40}$/.test(value)),
  withdrawDelay: z.int().min(900).max(2_592_000).default(900),
  minDeposit: atomicSchema.optional().catch(undefined),
  assetTransferMethod: z.literal('eip3009').default('eip3009'),
  channelState: z.object({ chargedCumulativeAmount: atomicSchema.optional() }).optional().catch(undefined),
  voucherState: z
    .object({ signedMaxClaimable: atomicSchema, signature: signatureSchema })
    .optional()
    .catch(undefined),
})

const compactAfter = 5_000
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
  const journal = await openJournal<Entry>({ path: options.path, exclusive: true })
  const kept = new Map<Hash, z.output<typeof entrySchema>>()
  for (const { entry } of journal.replayed) {
    const known = parse(entrySchema, entry, 'channel')
    kept.set(hasher.channel(chainId, known.config), known)
  }
  const owns = new Map<Hash, Promise<Own>>()
  const opened = new Map<Hash, Own>()

  async function load(config: BatchConfig, id: Hash): Promise<Own> {
    const { balance, totalClaimed } = await readChannel(id)
    const before = kept.get(id)
    const atLeast = (value: bigint | undefined) =>
      value !== undefined && value > totalClaimed ? value : totalClaimed
    const own: Own = {
      ...{ id, config, balance, turn: Promise.resolve(), pending: before?.pending ?? null },
      service: before?.service ?? null,
      ...{ signed: atLeast(before?.signed), charged: atLeast(before?.charged) },
    }
    opened.set(id, own)
    return own
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
    const known = owns.get(id)
    if (known !== undefined) return known
    const loading = load(config, id)
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

  /** Reads the channel's balance; a deposit that is seen, or cannot come any more, is no longer expected. */
  async function look(own: Own): Promise<void> {
    const before = own.balance
    const { balance, totalClaimed } = await readChannel(own.id)
    own.balance = balance
    if (own.charged < totalClaimed) own.charged = totalClaimed
    if (own.signed < totalClaimed) own.signed = totalClaimed
    const { pending } = own
    if (pending === null) return
    if (balance >= (pending.base ?? before) + pending.amount || pending.validBefore < BigInt(now()))
      own.pending = null
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
    return { amount, validBefore, salt, signature, base: own.balance }
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
      own.service = service
      // Both are on disk before the voucher leaves.
      await Promise.all([note(own), reservation.capture(more)])
      return ending(own, { finish, price, deposit, payload: payloadOf(own.config, voucher, deposit) })
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
        // More than was promised for it cannot be charged; nor again what was counted before, as when an answer is given once more.
        const charged = least(told, price, beyond(settled, own.charged))
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
      [...opened.values()].map(({ id, config, balance, signed, charged, service }) => ({
        ...{ id, config, balance, signed, charged, service },
      })),
    close: () => journal.close(),
  }
}

function entryOf({ config, signed, charged, pending, service }: z.output<typeof entrySchema>): Entry {
  const written =
    pending === null
      ? null
      : {
          ...pending,
          ...{ amount: pending.amount.toString(), validBefore: pending.validBefore.toString() },
          base: pending.base?.toString(),
        }
  return { config, signed: signed.toString(), charged: charged.toString(), pending: written, service }
}

/** What the seller charged in all beyond what is counted, where it says that. */
function beyond(settled: SettleResponse | null, counted: bigint): bigint | null {
  const state = z.object({ chargedCumulativeAmount: atomicSchema }).safeParse(settled?.extra?.channelState)
  if (!state.success) return null
  const cumulative = BigInt(state.data.chargedCumulativeAmount)
  return cumulative > counted ? cumulative - counted : 0n
}

const least = (first: bigint, ...others: readonly (bigint | null)[]): bigint =>
  others.reduce<bigint>((found, each) => (each !== null && each < found ? each : found), first)

/** As the packages of x402 write a channel. */
const checksummed = (config: BatchConfig): BatchConfig => ({
  ...config,
  payer: getAddress(config.payer),
  payerAuthorizer: getAddress(config.payerAuthorizer),
  receiver: getAddress(config.receiver),
  receiverAuthorizer: getAddress(config.receiverAuthorizer),
  token: getAddress(config.token),
})

const payloadOf = (
  config: BatchConfig,
  voucher: Readonly<Record<string, unknown>>,
  deposit: Own['pending'],
): Readonly<Record<string, unknown>> => {
  const plain = { channelConfig: checksummed(config), voucher }
  if (deposit === null) return { type: 'voucher', ...plain }
  const { amount, validBefore, salt, signature } = deposit
  const erc3009Authorization = { validAfter: '0', validBefore: validBefore.toString(), salt, signature }
  return {
    ...{ type: 'deposit', ...plain },
    deposit: { amount: amount.toString(), authorization: { erc3009Authorization } },
  }
}
