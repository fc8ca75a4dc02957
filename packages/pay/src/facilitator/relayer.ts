import type { ReadClient } from '@millrace/sdk'
import { type Address, type Hash, type Hex, keccak256, type LocalAccount } from 'viem'
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
  /** How long a settlement is waited for before it is answered as pending, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number
  /** Most gas of a settlement, for a stranger's token may want any; 400 000 by default. */
  readonly maxGas?: bigint
}

/** A transaction that is signed and not sent. */
export interface SignedTransaction {
  readonly raw: Hex
  readonly hash: Hash
  readonly block: bigint
}

/** Fees in wei per unit of gas, and the newest block when they were asked. */
export interface Prepared {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly block: bigint
}

interface Call {
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  readonly prepared: Prepared
}

/** Gas on top of an estimate: the payer's code may take another path once it is mined. What is not used is not paid. */
const gasMargin = 30_000n

/** Sends transactions of one account, each with the next number, one after another. */
export interface Relayer {
  /** What a transaction costs now; asked while it is not yet its turn. */
  prepare(): Promise<Prepared>
  /**
   * Signs a transaction, hands it to `ready` to be written down, and sends it. Throws what `ready` throws, and what the
   * chain says if it certainly does not have the transaction; a chain that does not answer may have it, which is no error.
   */
  send(call: Call, ready: (signed: SignedTransaction) => Promise<void>): Promise<SignedTransaction>
  /** Sends a transaction once more; whatever the chain says to that. */
  repeat(raw: Hex): Promise<void>
}

export function createRelayer({ client, relayer, network }: FacilitatorChain): Relayer {
  const chainId = Number(network.split(':')[1])
  let queue: Promise<unknown> = Promise.resolve()
  /** Null where only the chain knows. */
  let next: number | null = null

  async function sendOne(
    { to, data, gas, prepared }: Call,
    ready: (signed: SignedTransaction) => Promise<void>,
  ): Promise<SignedTransaction> {
    const nonce =
      next ?? (await getTransactionCount(client, { address: relayer.address, blockTag: 'pending' }))
    const { block, ...fees } = prepared
    const raw = await relayer.signTransaction({
      ...fees,
      to,
      data,
      gas: gas + gasMargin,
      nonce,
      chainId,
      type: 'eip1559',
    })
    const signed = { raw, hash: keccak256(raw), block }
    await ready(signed)
    try {
      await sendRawTransaction(client, { serializedTransaction: raw })
      next = nonce + 1
    } catch (error) {
      // Somebody else may have used the number, or the node may know more than it says: ask anew next time.
      next = null
      if (isRefusal(error)) throw error
    }
    return signed
  }

  return {
    async prepare() {
      const [fees, block] = await Promise.all([
        estimateFeesPerGas(client),
        getBlockNumber(client, { cacheTime: 0 }),
      ])
      return { ...fees, block }
    },
    send(call, ready) {
      const sent = queue.then(() => sendOne(call, ready))
      queue = sent.catch(() => undefined)
      return sent
    },
    async repeat(raw) {
      await sendRawTransaction(client, { serializedTransaction: raw }).catch(() => undefined)
    },
  }
}

/** Whether a node's answer means that it will never have this transaction: it lacks gas money or fees, not an answer. */
const isRefusal = (error: unknown) =>
  error instanceof Error &&
  /insufficient funds|exceeds block gas|fee cap less|underpriced/i.test(error.message)
