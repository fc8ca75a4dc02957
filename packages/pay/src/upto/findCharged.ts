import type { ReadClient } from '@millrace/sdk'
import { type Address, decodeFunctionData, type Hash, isAddressEqual } from 'viem'
import { getTransaction } from 'viem/actions'
import { receiptOf } from '../chain/askChain.ts'
import { uptoPermit2ProxyAbi } from '../generated/uptoPermit2Proxy.ts'
import { x402Contracts } from '../x402/contracts.ts'

/**
 * What a settlement by `upto` moved, read from the transaction itself: a seller may say less than was taken. The nonce of
 * the payer's permit is in it and can be used once, so nothing more can be taken by it.
 *
 * @returns Base units; null where the transaction is not mined, failed, or is none that settles this permit.
 */
export async function findCharged(
  client: ReadClient,
  settled: { readonly transaction: Hash; readonly payer: Address; readonly nonce: bigint },
): Promise<bigint | null> {
  const receipt = await receiptOf(client, settled.transaction)
  if (receipt === null || receipt.status !== 'success') return null
  const { to, input } = await getTransaction(client, { hash: settled.transaction })
  if (to === null || !isAddressEqual(to, x402Contracts.uptoPermit2Proxy)) return null
  const { functionName, args } = decodeFunctionData({ abi: uptoPermit2ProxyAbi, data: input })
  if (functionName !== 'settle' && functionName !== 'settleWithPermit') return null
  const [permit, amount, payer] = functionName === 'settle' ? args : [args[1], args[2], args[3]]
  return permit.nonce === settled.nonce && isAddressEqual(payer, settled.payer) ? amount : null
}
