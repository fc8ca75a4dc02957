import { decodeRevert, type WriteClient } from '@millrace/sdk'
import type { Hash } from 'viem'
import { writeContract } from 'viem/actions'
import { batchSettlementAbi } from '../generated/batchSettlement.ts'
import { x402Contracts } from '../x402/contracts.ts'
import type { BatchConfig } from './payload.ts'

const contract = { address: x402Contracts.batchSettlement, abi: batchSettlementAbi } as const

/** What `requestBatchWithdraw` takes. */
export interface RequestBatchWithdrawParameters {
  readonly config: BatchConfig
  /** Base units, at most what is not claimed. */
  readonly amount: bigint
}

/**
 * Announces, as its payer, that a channel of `batch-settlement` is left. The receiver has the channel's `withdrawDelay` to claim; then
 * `finalizeBatchWithdraw` gives back what is left of `amount`. For sellers that give nothing back when they are asked.
 *
 * @param client A viem client with the payer's account, which pays the gas.
 * @param parameters The channel, and how much.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await requestBatchWithdraw(client, { config, amount: balance - totalClaimed })
 */
export async function requestBatchWithdraw(
  client: WriteClient,
  { config, amount }: RequestBatchWithdrawParameters,
): Promise<Hash> {
  const { account, chain = null } = client
  return writeContract(client, {
    ...{ ...contract, functionName: 'initiateWithdraw', args: [config, amount], account, chain },
  }).catch((error: unknown) => {
    throw decodeRevert(error, account.address)
  })
}

/**
 * Takes back, as its payer, what is left of a withdrawal that was announced, once the delay is over.
 *
 * @param client A viem client with the payer's account, which pays the gas.
 * @param parameters The channel.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await finalizeBatchWithdraw(client, { config })
 */
export async function finalizeBatchWithdraw(
  client: WriteClient,
  { config }: Pick<RequestBatchWithdrawParameters, 'config'>,
): Promise<Hash> {
  const { account, chain = null } = client
  return writeContract(client, {
    ...{ ...contract, functionName: 'finalizeWithdraw', args: [config], account, chain },
  }).catch((error: unknown) => {
    throw decodeRevert(error, account.address)
  })
}
