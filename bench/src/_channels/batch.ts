import {
  type BatchConfig,
  batchScheme,
  type Curve,
  openBatchLedger,
  type PaymentPayload,
  type PaymentRequirements,
} from '@millrace/pay'
import {
  InMemoryChannelStorage,
  BatchSettlementEvmScheme as StockScheme,
} from '@x402/evm/batch-settlement/server'
import { type Address, type Hash, hashTypedData, hexToBytes, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createBatchHasher } from '../../../packages/pay/src/batch/createBatchHasher.ts'
import { batchDomain, batchTypes } from '../../../packages/pay/src/batch/types.ts'

const chainId = 31_337
const price = 100n
const balance = 10n ** 15n
const payTo: Address = `0x${'0e'.repeat(20)}`
const authorizer = privateKeyToAccount(`0x${'55'.repeat(32)}`)
const requirements: PaymentRequirements = {
  ...{ scheme: 'batch-settlement', network: `eip155:${chainId}`, amount: price.toString() },
  ...{ asset: `0x${'c0'.repeat(20)}`, payTo, maxTimeoutSeconds: 120 },
  extra: { name: 'X', version: '1', receiverAuthorizer: authorizer.address, withdrawDelay: 900 },
}

/** Payments by voucher on `channels` channels, `each` on every one of them, in the order in which they are sent. */
export function signBatchVouchers(curve: Curve, { channels, each }: { channels: number; each: number }) {
  const hasher = createBatchHasher(curve)
  const payers = Array.from({ length: channels }, (_, index) => {
    const key = hexToBytes(`0x${(index + 1).toString(16).padStart(64, '0')}`)
    const payer = curve.addressOf(key)
    const config: BatchConfig = {
      ...{ payer, payerAuthorizer: payer, receiver: payTo },
      receiverAuthorizer: authorizer.address.toLowerCase() as Address,
      ...{ token: requirements.asset as Address, withdrawDelay: 900, salt: zeroHash },
    }
    return { key, config, id: hasher.channel(chainId, config) }
  })
  const payments: PaymentPayload[] = []
  for (let call = 1n; call <= BigInt(each); call++)
    for (const { key, config, id } of payers) {
      const maxClaimableAmount = call * price
      const message = { channelId: id, maxClaimableAmount }
      const digest = hashTypedData({
        domain: batchDomain(chainId),
        types: batchTypes,
        primaryType: 'Voucher',
        message,
      })
      const signature = curve.sign(hexToBytes(digest), key)
      const voucher = { channelId: id, maxClaimableAmount: maxClaimableAmount.toString(), signature }
      payments.push({
        ...{ x402Version: 2, accepted: requirements },
        payload: { type: 'voucher', channelConfig: config, voucher },
      })
    }
  return { payments, channels: payers.map(({ id, config }) => ({ id, config })) }
}

type Signed = ReturnType<typeof signBatchVouchers>

const nobody = () => Promise.reject(new RangeError('nothing is sent here'))

/** Our scheme: what `take` resolves to was checked, held, charged and is on disk. */
export async function ownBatch(path: string) {
  const ledger = await openBatchLedger({
    path,
    readChannel: async () => ({
      ...{ balance, totalClaimed: 0n, withdrawing: 0n, withdrawRequestedAt: 0, refundNonce: 0n },
    }),
  })
  const { network, asset } = requirements
  const scheme = batchScheme({
    ...{ ledger, authorizer, facilitator: { verify: nobody, settle: nobody } },
    currency: { network, asset: asset as Address, payTo, name: 'X', version: '1' },
  })
  const request = { method: 'GET', url: 'http://a.example/', digest: zeroHash, idempotencyKey: null }
  return {
    async take(payment: PaymentPayload): Promise<void> {
      const reservation = await scheme.reserve(payment, { requirements, request })
      await reservation.capture(price)
    },
    spent: (id: Hash) => ledger.book(id)?.spent ?? 0n,
    close: ledger.close,
  }
}

/** The scheme of the x402 packages with its books in memory, each channel known and fresh: what is left is its own work on a voucher. */
export async function stockBatch({ channels }: Pick<Signed, 'channels'>) {
  const storage = new InMemoryChannelStorage()
  for (const { id, config } of channels)
    await storage.updateChannel(id, () => ({
      ...{ channelId: id, channelConfig: config, chargedCumulativeAmount: '0', signedMaxClaimable: '0' },
      ...{ signature: '0x', balance: balance.toString(), totalClaimed: '0', withdrawRequestedAt: 0 },
      ...{ refundNonce: 0, onchainSyncedAt: Date.now(), lastRequestTimestamp: Date.now() },
    }))
  const scheme = new StockScheme(payTo, { storage, onchainStateTtlMs: 3_600_000 })
  const { onBeforeVerify, onAfterVerify, onBeforeSettle } = scheme.schemeHooks
  return {
    async take(paymentPayload: PaymentPayload): Promise<void> {
      const context = { paymentPayload, requirements }
      const before = await onBeforeVerify?.(context as never)
      if (before === undefined || !('skip' in before) || !before.result.isValid)
        throw new RangeError(`a voucher is refused: ${JSON.stringify(before)}`)
      const after = await onAfterVerify?.({ ...context, result: before.result } as never)
      if (after !== undefined) throw new RangeError(`a voucher is not held: ${JSON.stringify(after)}`)
      const settled = await onBeforeSettle?.(context as never)
      if (settled === undefined || !('skip' in settled) || !settled.result.success)
        throw new RangeError(`a voucher is not charged: ${JSON.stringify(settled)}`)
    },
    async spent(id: Hash): Promise<bigint> {
      return BigInt((await storage.get(id))?.chargedCumulativeAmount ?? 0)
    },
  }
}
