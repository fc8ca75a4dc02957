import { ChainUnreachableError, decodeRevert, type ReadClient } from '@millrace/sdk'
import {
  type Address,
  type Hash,
  type Hex,
  isAddressEqual,
  parseEventLogs,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { getCode, getTransactionReceipt, readContract } from 'viem/actions'
import { contractSignerAbi, tokenAbi } from '../exact/tokenAbi.ts'

/** An answer, or a contract's refusal, which is an answer too. */
export type Attempt<T> = { readonly type: 'answered'; readonly value: T } | { readonly type: 'failed' }

/** Tells a contract's refusal, which is an answer, from a chain that does not answer, which is none. */
export async function attempt<T>(reading: Promise<T>): Promise<Attempt<T>> {
  try {
    return { type: 'answered', value: await reading }
  } catch (error) {
    const decoded = decodeRevert(error)
    if (decoded instanceof ChainUnreachableError) throw decoded
    return { type: 'failed' }
  }
}

/** What the chain says; what keeps it from saying it is decoded. */
export async function reach<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    throw decodeRevert(error)
  }
}

/** Whether there is a contract at an address. */
export async function hasCode(client: ReadClient, address: Address): Promise<boolean> {
  const code = await reach(getCode(client, { address }))
  return code !== undefined && code !== '0x'
}

/** The receipt of a transaction, null while it is not mined. */
export async function receiptOf(client: ReadClient, hash: Hash): Promise<TransactionReceipt | null> {
  try {
    return await getTransactionReceipt(client, { hash })
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return null
    throw error
  }
}

const agreed = '0x1626ba7e'

/** Whether a contract account stands by a signature (ERC-1271). */
export async function standsBy(
  client: ReadClient,
  signed: { readonly account: Address; readonly digest: Hash; readonly signature: Hex },
): Promise<boolean> {
  const answer = await attempt(
    readContract(client, {
      address: signed.account,
      abi: contractSignerAbi,
      functionName: 'isValidSignature',
      args: [signed.digest, signed.signature],
    }),
  )
  // A contract that reverts has not agreed.
  return answer.type === 'answered' && answer.value === agreed
}

/** Whether a transaction moved just this. */
export function hasTransfer(
  receipt: TransactionReceipt,
  moved: { readonly asset: Address; readonly from: Address; readonly to: Address; readonly value: bigint },
): boolean {
  const logs = receipt.logs.filter(({ address }) => isAddressEqual(address, moved.asset))
  return parseEventLogs({ abi: tokenAbi, eventName: 'Transfer', logs }).some(
    ({ args }) =>
      isAddressEqual(args.from, moved.from) &&
      isAddressEqual(args.to, moved.to) &&
      args.value === moved.value,
  )
}
