import { type MarketDomain, type Receipt, type ReceiptJson, receiptToJson, signReceipt } from '@millrace/sdk'
import { type Hex, type PrivateKeyAccount, zeroHash } from 'viem'
import type { LeaseRecord } from '../journal/entries.ts'

export interface ReceiptContext extends MarketDomain {
  readonly device: PrivateKeyAccount
  readonly asset: bigint
}

/** Exit code in the receipt of a job that was killed, or did not run. */
export const NO_EXIT_CODE = -1

/** Writes and signs the receipt of a lease that is over (§8 of the protocol). */
export async function makeReceipt(
  record: LeaseRecord,
  times: { readonly startedAt: number; readonly stoppedAt: number },
  context: ReceiptContext,
): Promise<{ receipt: ReceiptJson; signature: Hex }> {
  const result = record.run.state === 'ended' ? record.run.result : null
  const receipt: Receipt = {
    lease: record.lease,
    asset: context.asset,
    buyer: record.buyer,
    device: context.device.address,
    job: record.job?.hash ?? zeroHash,
    outputs: (result?.outputs?.sha256 as Hex | undefined) ?? zeroHash,
    log: (result?.log.sha256 as Hex | undefined) ?? zeroHash,
    startedAt: times.startedAt,
    stoppedAt: times.stoppedAt,
    seconds: times.stoppedAt - times.startedAt,
    pricePerHour: BigInt(record.pricePerHour),
    terms: record.terms ?? zeroHash,
    exitCode: result?.exitCode ?? NO_EXIT_CODE,
  }
  return { receipt: receiptToJson(receipt), signature: await signReceipt(context.device, receipt, context) }
}
