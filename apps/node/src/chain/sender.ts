import {
  type Address,
  type Chain,
  type Hex,
  keccak256,
  type PrivateKeyAccount,
  type PublicClient,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { TransactionPendingError, TransactionRevertedError } from './errors.ts'

export interface Call {
  /** What the call does, for messages: `start lease 0x…`. */
  readonly what: string
  readonly to: Address
  readonly data: Hex
  /** Gas on top of the estimate's margin, for what the state may ask of the call by the time it is mined. */
  readonly extraGas?: bigint
}

export interface SendOptions {
  /** Called with the signed transaction before it leaves; it leaves only if this resolves. */
  readonly before?: (signed: { hash: Hex; raw: Hex }) => Promise<void>
}

/** Sends transactions of one account, in order of nonce, and waits for them. */
export interface Sender {
  readonly address: Address
  /** Sends `call` and waits until it is mined. Throws `TransactionRevertedError`, `TransactionPendingError`, or viem's. */
  send(call: Call, options?: SendOptions): Promise<TransactionReceipt>
  /** Sends a transaction signed earlier, if the chain does not have it, and waits until it is mined. */
  resend(signed: { hash: Hex; raw: Hex }, what: string): Promise<TransactionReceipt>
}

export interface SenderOptions {
  readonly client: PublicClient
  readonly account: PrivateKeyAccount
  /** Seconds to wait for a transaction before its fee is raised. */
  readonly patience?: number
}

/** A fee raised by an eighth is the least that pools take as a replacement. */
const RAISE = { numerator: 9n, denominator: 8n }
const RAISES = 5

/**
 * A sender for `account`. One transaction at a time gets its nonce and leaves; waiting is done side by side, so that a
 * slow block does not hold up the next lease.
 */
export function createSender(options: SenderOptions): Sender {
  const { client, account, patience = 60 } = options
  let leaving: Promise<unknown> = Promise.resolve()

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const next = leaving.then(work)
    leaving = next.catch(() => undefined)
    return next
  }

  async function sign(
    call: Call,
    fixed?: { nonce: number; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint },
  ) {
    const request = await client.prepareTransactionRequest({
      account,
      chain: client.chain as Chain,
      to: call.to,
      data: call.data,
      type: 'eip1559',
      ...fixed,
    })
    // The estimate holds for the state of now; another's transaction before ours may empty a slot that ours then fills.
    const gas = ((request.gas ?? 0n) * 3n) / 2n + (call.extraGas ?? 0n)
    const raw = await account.signTransaction({
      ...request,
      gas,
      type: 'eip1559',
      chainId: (client.chain as Chain).id,
    })
    return { raw, hash: keccak256(raw), request }
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

  return {
    address: account.address,

    async send(call, { before } = {}) {
      const first = await exclusive(async () => {
        const signed = await sign(call)
        await before?.({ hash: signed.hash, raw: signed.raw })
        await client.sendRawTransaction({ serializedTransaction: signed.raw })
        return signed
      })
      const hashes = [first.hash]
      let { maxFeePerGas, maxPriorityFeePerGas } = first.request
      for (let raise = 0; ; raise++) {
        const receipt = await mined(hashes, patience)
        if (receipt !== null) return check(receipt, call.what)
        if (raise === RAISES || before !== undefined) {
          throw new TransactionPendingError({
            what: call.what,
            hash: first.hash,
            seconds: patience * (raise + 1),
          })
        }
        maxFeePerGas = ((maxFeePerGas ?? 0n) * RAISE.numerator) / RAISE.denominator + 1n
        maxPriorityFeePerGas = ((maxPriorityFeePerGas ?? 0n) * RAISE.numerator) / RAISE.denominator + 1n
        const fixed = { nonce: first.request.nonce, maxFeePerGas, maxPriorityFeePerGas }
        const again = await exclusive(() => sign(call, fixed)).catch(() => null)
        if (again === null) continue
        hashes.push(again.hash)
        // A refusal means that an earlier one was mined meanwhile, or that the fee is high enough already.
        await client.sendRawTransaction({ serializedTransaction: again.raw }).catch(() => undefined)
      }
    },

    async resend(signed, what) {
      const known = await client.getTransaction({ hash: signed.hash }).catch((error: unknown) => {
        if (error instanceof TransactionNotFoundError) return null
        throw error
      })
      if (known === null) {
        await exclusive(() => client.sendRawTransaction({ serializedTransaction: signed.raw }))
      }
      const receipt = await mined([signed.hash], patience)
      if (receipt === null) throw new TransactionPendingError({ what, hash: signed.hash, seconds: patience })
      return check(receipt, what)
    },
  }
}
