import type { ReadClient } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlockNumber, readContract } from 'viem/actions'
import { reach } from '../chain/askChain.ts'
import { batchSettlementAbi } from '../generated/batchSettlement.ts'
import { x402Contracts } from '../x402/contracts.ts'

/** Where a channel of `batch-settlement` stands on chain. Amounts in base units. */
export interface BatchState {
  /** All that was put in and not taken back. */
  readonly balance: bigint
  /** Of it, what is the receiver's. */
  readonly totalClaimed: bigint
  /** Announced to be withdrawn by the payer. */
  readonly withdrawing: bigint
  /** Unix seconds at which that was announced; 0 where it was not. */
  readonly withdrawRequestedAt: number
  /** What the next refund's signature names. */
  readonly refundNonce: bigint
}

/**
 * Reads a channel of `batch-settlement` from the chain.
 *
 * @param client A viem client of the chain.
 * @param parameters Id of the channel; `blockNumber` for a block other than the latest.
 * @throws ChainUnreachableError.
 * @example
 * const { balance, totalClaimed } = await readBatchChannel(client, { channel })
 */
export async function readBatchChannel(
  client: ReadClient,
  { channel, blockNumber }: { readonly channel: Hash; readonly blockNumber?: bigint },
): Promise<BatchState> {
  // All of one block: a balance before a refund with the nonce after it would credit what is gone.
  const block = blockNumber ?? (await reach(getBlockNumber(client, { cacheTime: 0 })))
  const contract = {
    address: x402Contracts.batchSettlement,
    abi: batchSettlementAbi,
    args: [channel],
    blockNumber: block,
  } as const
  const [[balance, totalClaimed], [withdrawing, withdrawRequestedAt], refundNonce] = await reach(
    Promise.all([
      readContract(client, { ...contract, functionName: 'channels' }),
      readContract(client, { ...contract, functionName: 'pendingWithdrawals' }),
      readContract(client, { ...contract, functionName: 'refundNonce' }),
    ]),
  )
  return { balance, totalClaimed, withdrawing, withdrawRequestedAt, refundNonce }
}

/** The state as servers and facilitators of `batch-settlement` tell it each other. */
export const batchStateToJson = (channelId: Hash, state: BatchState) => ({
  channelId,
  balance: state.balance.toString(),
  totalClaimed: state.totalClaimed.toString(),
  withdrawRequestedAt: state.withdrawRequestedAt,
  refundNonce: state.refundNonce.toString(),
})
