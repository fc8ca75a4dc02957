import {
  type Address,
  type Chain,
  type Hex,
  keccak256,
  type PrivateKeyAccount,
  type PublicClient,
  parseTransaction,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { TransactionPendingError, TransactionReplacedError, TransactionRevertedError } from './errors.ts'

export interface Call {
  /** What the call does, for messages: `start lease 0x…`. */
  readonly what: string
  readonly to: Address
  readonly data: Hex
  /** Gas on top of the estimate's margin, for what the state may ask of the call by the time it is mined. */
  readonly extraGas?: bigint
}

export interface SendOptions {
  /** Called with each signed transaction before it leaves, one with a higher fee included; it leaves only if this resolves. */
  readonly before?: (signed: { hash: Hex; raw: Hex }) => Promise<void>
}

/** Sends transactions of one account, in order of nonce, and waits for them. */
export interface Sender {
  readonly address: Address
  /**
   * Sends `call` and waits until it is mined, with a higher fee each time that takes too long. It is mined once or not at
   * all. Throws `TransactionRevertedError`, `TransactionPendingError`, `TransactionReplacedError`, or viem's.
   */
  send(call: Call, options?: SendOptions): Promise<TransactionReceipt>
  /** Goes on with a transaction signed earlier: sends it if the chain does not have it, and waits as `send` does. */
  resend(signed: { hash: Hex; raw: Hex }, what: string, options?: SendOptions): Promise<TransactionReceipt>
}

export interface SenderOptions {
  readonly client: PublicClient
  readonly account: PrivateKeyAccount
  /** Seconds to wait for a transaction before its fee is raised. */
  readonly patience?: number
}

interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** A transaction apart from its fees: what stays when they are raised. */
interface Body {
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  readonly nonce: number
}

interface Signed {
  readonly hash: Hex
  readonly raw: Hex
  readonly body: Body
  readonly fees: Fees
}

/** A fee raised by an eighth is more than pools ask of a replacement. */
const raise = (fee: bigint) => (fee * 9n) / 8n + 1n
const RAISES = 5
const most = (a: bigint, b: bigint) => (a > b ? a : b)

/**
 * A sender for `account`. One transaction at a time gets its nonce and leaves; waiting is done side by side, so that a
 * slow block does not hold up the next lease.
 *
 * No nonce is ever given up, for every later one waits for it. A transaction that takes too long is replaced by the same
 * with a higher fee. If its caller gives up, the next call takes its nonce; one that was left by a process before this one
 * is replaced by a payment of nothing. A call that loses its nonce so is told, and its caller looks at the chain again.
 */
export function createSender(options: SenderOptions): Sender {
  const { client, account, patience = 60 } = options
  const { address } = account
  let leaving: Promise<unknown> = Promise.resolve()
  /** Nonces that somebody waits for. */
  const waiting = new Set<number>()
  /** Nonces that nobody waits for and that may still be in the way, with the highest fees sent for them. */
  const left = new Map<number, Fees>()

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const next = leaving.then(work)
    leaving = next.catch(() => undefined)
    return next
  }

  /** The first nonce that is not mined yet. */
  async function firstOpen(): Promise<number> {
    const nonce = await client.getTransactionCount({ address, blockTag: 'latest' })
    for (const old of left.keys()) if (old < nonce) left.delete(old)
    return nonce
  }

  /** What is asked now, and enough to replace a transaction that was sent with `fees`. */
  async function above(fees: Fees): Promise<Fees> {
    const asked = await client.estimateFeesPerGas({ chain: client.chain, type: 'eip1559' })
    const maxPriorityFeePerGas = most(raise(fees.maxPriorityFeePerGas), asked.maxPriorityFeePerGas)
    const maxFeePerGas = most(most(raise(fees.maxFeePerGas), asked.maxFeePerGas), maxPriorityFeePerGas)
    return { maxFeePerGas, maxPriorityFeePerGas }
  }

  async function sign(body: Body, fees: Fees): Promise<Signed> {
    const chainId = (client.chain as Chain).id
    const raw = await account.signTransaction({ ...body, ...fees, type: 'eip1559', chainId })
    return { hash: keccak256(raw), raw, body, fees }
  }

  async function prepare(call: Call): Promise<Signed> {
    const open = left.size === 0 ? null : await firstOpen()
    const old = open === null ? undefined : left.get(open)
    const request = await client.prepareTransactionRequest({
      account,
      chain: client.chain as Chain,
      to: call.to,
      data: call.data,
      type: 'eip1559',
      ...(open === null || old === undefined ? {} : { nonce: open, ...(await above(old)) }),
    })
    const { nonce, maxFeePerGas, maxPriorityFeePerGas } = request
    // The estimate holds for the state of now; another's transaction before ours may empty a slot that ours then fills.
    const gas = ((request.gas ?? 0n) * 3n) / 2n + (call.extraGas ?? 0n)
    const signed = await sign(
      { to: call.to, data: call.data, gas, nonce },
      { maxFeePerGas, maxPriorityFeePerGas },
    )
    left.delete(nonce)
    return signed
  }

  /** Gets a nonce out of the way that nobody waits for. */
  function fill(nonce: number): Promise<void> {
    return exclusive(async () => {
      const fees = await above(left.get(nonce) ?? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n })
      left.set(nonce, fees)
      const { raw } = await sign({ to: address, data: '0x', gas: 21_000n, nonce }, fees)
      // A refusal means that it was mined meanwhile, or that its fee is not enough yet to replace what is there.
      await client.sendRawTransaction({ serializedTransaction: raw }).catch(() => undefined)
    })
  }

  async function mined(hashes: readonly Hex[], seconds: number): Promise<TransactionReceipt | null> {
    const until = Date.now() + seconds * 1000
    // Quick at first: a local chain mines at once.
    for (let pause = 10; ; pause = Math.min(pause * 2, 1000)) {
      for (const hash of hashes) {
        try {
          return await client.getTransactionReceipt({ hash })
        } catch (error) {
          if (!(error instanceof TransactionReceiptNotFoundError) && Date.now() >= until) throw error
        }
      }
      if (Date.now() >= until) return null
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  function check(receipt: TransactionReceipt, what: string): TransactionReceipt {
    if (receipt.status === 'reverted')
      throw new TransactionRevertedError({ what, hash: receipt.transactionHash })
    return receipt
  }

  /** Waits until `signed` is mined, and raises its fee as long as it is the one that everything waits for. */
  async function see(signed: Signed, what: string, { before }: SendOptions): Promise<TransactionReceipt> {
    const { nonce } = signed.body
    const hashes = [signed.hash]
    let { fees } = signed
    waiting.add(nonce)
    try {
      for (let round = 0; ; round++) {
        const receipt = await mined(hashes, patience)
        if (receipt !== null) return check(receipt, what)
        const open = await firstOpen()
        if (open > nonce) {
          // An endpoint may know the count before it knows the receipt.
          const late = await mined(hashes, patience)
          if (late !== null) return check(late, what)
          throw new TransactionReplacedError({ what, hash: signed.hash, nonce })
        }
        if (round === RAISES) {
          left.set(nonce, fees)
          throw new TransactionPendingError({ what, hash: signed.hash, seconds: patience * (round + 1) })
        }
        if (open < nonce) {
          if (!waiting.has(open)) await fill(open)
          continue
        }
        const again = await exclusive(async () => sign(signed.body, await above(fees)))
        await before?.({ hash: again.hash, raw: again.raw })
        fees = again.fees
        hashes.push(again.hash)
        // A refusal means that an earlier one was mined meanwhile, or that the fee is high enough already.
        await client.sendRawTransaction({ serializedTransaction: again.raw }).catch(() => undefined)
      }
    } finally {
      waiting.delete(nonce)
    }
  }

  return {
    address,

    async send(call, options = {}) {
      const first = await exclusive(async () => {
        const signed = await prepare(call)
        await options.before?.({ hash: signed.hash, raw: signed.raw })
        await client.sendRawTransaction({ serializedTransaction: signed.raw })
        waiting.add(signed.body.nonce)
        return signed
      })
      return see(first, call.what, options)
    },

    async resend({ hash, raw }, what, options = {}) {
      const known = await client.getTransaction({ hash }).catch((error: unknown) => {
        if (error instanceof TransactionNotFoundError) return null
        throw error
      })
      if (known === null) await exclusive(() => client.sendRawTransaction({ serializedTransaction: raw }))
      const { to, data = '0x', gas = 0n, nonce = 0, ...rest } = parseTransaction(raw)
      const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = rest
      const body = { to: to ?? address, data, gas, nonce }
      return see({ hash, raw, body, fees: { maxFeePerGas, maxPriorityFeePerGas } }, what, options)
    },
  }
}
