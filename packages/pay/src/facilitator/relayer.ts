import type { ReadClient } from '@millrace/sdk'
import {
  type Address,
  type Hash,
  type Hex,
  keccak256,
  type LocalAccount,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerializedEIP1559,
} from 'viem'
import { estimateFeesPerGas, getBlockNumber, getTransactionCount, sendRawTransaction } from 'viem/actions'

/** One chain on which a facilitator settles. */
export interface FacilitatorChain {
  /** `eip155:…` */
  readonly network: string
  readonly client: ReadClient
  /** Pays the gas; it must send transactions from nowhere else at the same time. */
  readonly relayer: LocalAccount
  /** The tokens it settles in; any by default, whose transfers then cost its gas. */
  readonly assets?: readonly Address[]
  /** Least payment that it settles, in base units, so that its gas is worth it; any by default. */
  readonly minimum?: bigint
  /** How long a settlement is waited for before it is answered as pending, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number
  /** How long a transaction may wait before it is sent with a higher fee, in milliseconds. Default 30 000. */
  readonly raiseAfterMs?: number
  /** Most gas of a settlement, for a stranger's token may want any; 400 000 by default. */
  readonly maxGas?: bigint
}

/** Fees in wei per unit of gas, and the newest block when they were asked. */
export interface Prepared {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly block: bigint
}

/** A transaction that is signed and not sent. */
export interface SignedTransaction {
  readonly raw: Hex
  readonly hash: Hash
}

export interface RelayedCall {
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  readonly prepared: Prepared
}

/** Writes a signed transaction down; it leaves only if this resolves. */
export type Ready = (signed: SignedTransaction) => Promise<void>

/** Gas on top of an estimate: the payer's code may take another path once it is mined. What is not used is not paid. */
const gasMargin = 30_000n
/** A fee raised by an eighth is more than pools ask of a replacement. */
const raiseFee = (fee: bigint) => (fee * 9n) / 8n + 1n
const most = (a: bigint, b: bigint) => (a > b ? a : b)

/** Sends transactions of one account, each with the next number, one after another. */
export interface Relayer {
  /** What a transaction costs now; asked while it is not yet its turn. */
  prepare(): Promise<Prepared>
  /**
   * Signs a transaction, hands it to `ready` to be written down, and sends it. Throws what `ready` throws, and what the
   * chain says if it certainly does not have the transaction; a chain that does not answer may have it, which is no error.
   */
  send(call: RelayedCall, ready: Ready): Promise<void>
  /** Sends a transaction once more; whatever the chain says to that. */
  repeat(raw: Hex): Promise<void>
  /**
   * Sends a transaction with a higher fee if it is the one that everything behind it waits for. `overtaken`: another
   * transaction has its number, so it will never be mined, or it was mined just now.
   */
  raise(raw: Hex, ready: Ready): Promise<'raised' | 'waiting' | 'overtaken'>
}

export function createRelayer({ client, relayer, network }: FacilitatorChain): Relayer {
  const chainId = Number(network.split(':')[1])
  let queue: Promise<unknown> = Promise.resolve()
  /** Null where only the chain knows. */
  let next: number | null = null

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => undefined)
    return done
  }

  async function sendOne(call: RelayedCall, ready: Ready): Promise<void> {
    const nonce =
      next ?? (await getTransactionCount(client, { address: relayer.address, blockTag: 'pending' }))
    const { to, data, prepared } = call
    const { maxFeePerGas, maxPriorityFeePerGas } = prepared
    const gas = call.gas + gasMargin
    const fees = { maxFeePerGas, maxPriorityFeePerGas }
    const raw = await relayer.signTransaction({ ...fees, to, data, gas, nonce, chainId, type: 'eip1559' })
    await ready({ raw, hash: keccak256(raw) })
    try {
      await sendRawTransaction(client, { serializedTransaction: raw })
      next = nonce + 1
    } catch (error) {
      // Somebody else may have used the number, or the node may know more than it says: ask anew next time.
      next = null
      if (isRefusal(error)) throw error
    }
  }

  async function raiseOne(serialized: Hex, ready: Ready): Promise<'raised' | 'waiting' | 'overtaken'> {
    const old = serialized as TransactionSerializedEIP1559
    // Its signature is left behind: it would be signed along.
    const { to, data, gas, nonce = 0, ...fees } = parseTransaction(old)
    const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = fees
    const body = { ...(to == null ? {} : { to }), ...(data && { data }), ...(gas && { gas }), nonce, chainId }
    const address = await recoverTransactionAddress({ serializedTransaction: old })
    const [mined, asked] = await Promise.all([
      getTransactionCount(client, { address, blockTag: 'latest' }),
      estimateFeesPerGas(client),
    ])
    if (mined > nonce) return 'overtaken'
    // Another facilitator's, or one that waits for an earlier one of ours.
    if (mined < nonce || address !== relayer.address) return 'waiting'
    const tip = most(raiseFee(maxPriorityFeePerGas), asked.maxPriorityFeePerGas)
    const raw = await relayer.signTransaction({
      ...body,
      maxPriorityFeePerGas: tip,
      maxFeePerGas: most(most(raiseFee(maxFeePerGas), asked.maxFeePerGas), tip),
      type: 'eip1559',
    })
    await ready({ raw, hash: keccak256(raw) })
    // A refusal means that an earlier one was mined meanwhile, or that its fee is high enough already.
    await sendRawTransaction(client, { serializedTransaction: raw }).catch(() => undefined)
    return 'raised'
  }

  return {
    async prepare() {
      const [fees, block] = await Promise.all([
        estimateFeesPerGas(client),
        getBlockNumber(client, { cacheTime: 0 }),
      ])
      return { ...fees, block }
    },
    send: (call, ready) => inTurn(() => sendOne(call, ready)),
    repeat: (raw) =>
      inTurn(async () => {
        await sendRawTransaction(client, { serializedTransaction: raw }).catch(() => undefined)
      }),
    raise: (raw, ready) => inTurn(() => raiseOne(raw, ready)),
  }
}

/** Whether a node's answer means that it will never have this transaction: it lacks gas money or fees, not an answer. */
const isRefusal = (error: unknown) =>
  error instanceof Error &&
  /insufficient funds|exceeds block gas|fee cap less|underpriced/i.test(error.message)
