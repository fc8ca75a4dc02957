import { getAddress, type Hash, type Hex } from 'viem'
import type { BatchConfig } from '../batch/payload.ts'

/** An authorization that brings a deposit, as the payer signed it. */
export interface SignedDeposit {
  readonly amount: bigint
  readonly validBefore: bigint
  readonly salt: Hash
  readonly signature: Hex
}

/** As the packages of x402 write a channel. */
export const checksummed = (config: BatchConfig): BatchConfig => ({
  ...config,
  payer: getAddress(config.payer),
  payerAuthorizer: getAddress(config.payerAuthorizer),
  receiver: getAddress(config.receiver),
  receiverAuthorizer: getAddress(config.receiverAuthorizer),
  token: getAddress(config.token),
})

/** What is sent to a seller: a voucher, and a deposit where one goes with it. */
export function batchPayload(
  config: BatchConfig,
  voucher: Readonly<Record<string, unknown>>,
  deposit: SignedDeposit | null,
): Readonly<Record<string, unknown>> {
  const plain = { channelConfig: checksummed(config), voucher }
  if (deposit === null) return { type: 'voucher', ...plain }
  const { amount, validBefore, salt, signature } = deposit
  const erc3009Authorization = { validAfter: '0', validBefore: validBefore.toString(), salt, signature }
  return {
    ...{ type: 'deposit', ...plain },
    deposit: { amount: amount.toString(), authorization: { erc3009Authorization } },
  }
}
