import { type BatchConfig, hashCallReceipt, readBatchChannel, type SignedCallReceipt } from '@millrace/pay'
import { type AgentIdentity, gatewayClient, getChannel, hashChannel, recoverSigner } from '@millrace/sdk'
import {
  type Address,
  erc20Abi,
  type Hash,
  isAddressEqual,
  isHash,
  parseEventLogs,
  TransactionReceiptNotFoundError,
  zeroAddress,
} from 'viem'
import { getTransactionReceipt } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import { ReceiptForeignError, ReceiptUnpaidError } from './errors.ts'

/** What a receipt has to be of. */
export interface PaidProof {
  readonly signed: SignedCallReceipt
  readonly identity: AgentIdentity
  /** Whose payment it must be. */
  readonly payer: Address
  /** Assets of the agent, which it may be paid for. */
  readonly assets: readonly bigint[]
  /** The payer's channels of `batch-settlement`: what is between whom is not on chain. */
  readonly batch: readonly { readonly id: Hash; readonly config: BatchConfig }[]
}

/**
 * Sees to it that a receipt is of a payment that a wallet really made to an agent: the agent signed it, and the chain shows the money. What
 * was promised on a channel and is not claimed yet is not paid yet.
 *
 * @returns The transaction that moved the money, where there is one for it alone.
 * @throws ReceiptForeignError, ReceiptUnpaidError, and what the chain and the gateway answer
 */
export async function provePaid(connection: Connection, proof: PaidProof): Promise<Hash | null> {
  const { signed, identity, payer } = proof
  const { receipt, signature } = signed
  const { deployment } = connection
  const own = [identity.owner, ...(identity.wallet === null ? [] : [identity.wallet])]
  const by = await recoverSigner(hashCallReceipt(receipt), signature)
  demand('signer', own, by)
  demand('payer', [payer], receipt.payer)
  const network = `eip155:${deployment.chainId}`
  if (receipt.network !== network)
    throw new ReceiptForeignError({ field: 'network', wanted: network, seen: receipt.network })
  switch (receipt.scheme) {
    case 'stream':
      return proveStream(connection, proof)
    case 'batch-settlement':
      return proveBatch(connection, proof)
    default:
      demand('payee', own, receipt.payee)
      return proveTransfer(connection, proof)
  }
}

function demand(field: string, wanted: readonly Address[], seen: Address | null): void {
  if (seen !== null && wanted.some((each) => isAddressEqual(each, seen))) return
  throw new ReceiptForeignError({ field, wanted: wanted.join("' or '"), seen: seen ?? 'nobody' })
}

const unpaid = ({ receipt }: SignedCallReceipt, reason: string) =>
  new ReceiptUnpaidError({ reference: receipt.reference, amount: receipt.amount, reason })

async function proveTransfer({ client }: Connection, { signed }: PaidProof): Promise<Hash> {
  const { payer, payee, asset, amount, reference } = signed.receipt
  if (!isHash(reference)) throw unpaid(signed, 'it names no transaction')
  const found = await getTransactionReceipt(client, { hash: reference }).catch((error: unknown) => {
    if (error instanceof TransactionReceiptNotFoundError) return null
    throw error
  })
  const logs = (found?.logs ?? []).filter(({ address }) => isAddressEqual(address, asset))
  const isMoved = parseEventLogs({ abi: erc20Abi, eventName: 'Transfer', logs }).some(
    ({ args }) => isAddressEqual(args.from, payer) && isAddressEqual(args.to, payee) && args.value === amount,
  )
  if (!isMoved) throw unpaid(signed, `transaction '${reference}' does not move it`)
  return reference
}

async function proveStream(connection: Connection, proof: PaidProof): Promise<null> {
  const { client, deployment, gateways } = connection
  const { signed, identity, payer, assets } = proof
  const { reference, amount } = signed.receipt
  const [, id, epoch] = /^(0x[0-9a-f]{64}):(\d{1,20})$/.exec(reference) ?? []
  const [gateway] = gateways
  if (id === undefined || epoch === undefined || gateway === undefined)
    throw unpaid(signed, 'it names no channel')
  const channel = id as Hash
  const known = await gatewayClient(gateway).getChannel(channel)
  if (known === null) throw unpaid(signed, `no channel '${channel}' is known`)
  const { signer, payee, asset, currency, closeDelay, salt } = known
  const parties = { payer: known.payer, signer, payee: payee ?? zeroAddress, asset: asset ?? 0n }
  // Whoever runs the gateway cannot say that it is between others: the id is the hash of them.
  if (hashChannel({ ...parties, currency, closeDelay, salt }, deployment) !== channel)
    throw unpaid(signed, `what the gateway says of channel '${channel}' is not it`)
  demand('payer', [payer], known.payer)
  const own = [identity.owner, ...(identity.wallet === null ? [] : [identity.wallet])]
  if (asset === null) demand('payee', own, payee)
  else if (!assets.includes(asset))
    throw new ReceiptForeignError({
      ...{ field: 'asset', wanted: assets.join("' or '"), seen: String(asset) },
    })
  const now = await getChannel(client, { deployment, channel })
  // What was claimed in a life of the channel that is over is in the index alone.
  const claimed = now.epoch === BigInt(epoch) ? now.claimed : known.claimedEver
  if (claimed < amount) throw unpaid(signed, `${claimed} were claimed on channel '${channel}'`)
  return null
}

async function proveBatch({ client }: Connection, proof: PaidProof): Promise<null> {
  const { signed, identity, batch } = proof
  const { payee, amount, reference } = signed.receipt
  const own = [identity.owner, ...(identity.wallet === null ? [] : [identity.wallet])]
  demand('payee', own, payee)
  const between = batch.filter(({ config }) => isAddressEqual(config.receiver, payee))
  const named = between.filter(({ id }) => id === reference)
  // With a deposit its transaction is named: that brings money into a channel, and a claim takes it out.
  for (const { id } of named.length > 0 ? named : between)
    if ((await readBatchChannel(client, { channel: id })).totalClaimed >= amount) return null
  throw unpaid(signed, `nothing of it is claimed on a channel to '${payee}'`)
}
