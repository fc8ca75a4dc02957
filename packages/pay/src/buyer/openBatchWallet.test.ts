import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Hash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountOf } from '../../test/offChain.ts'
import type { BatchState } from '../batch/readBatchChannel.ts'
import { batchDomain, batchTypes } from '../batch/types.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { BatchPayment, BatchWallet } from './batchWallet.ts'
import { createPayingFetch } from './createPayingFetch.ts'
import { openBatchWallet } from './openBatchWallet.ts'
import { openBudget } from './openBudget.ts'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batch-wallet-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const chainId = 31_337
const token = `0x${'c0'.repeat(20)}` as const
const currency = { address: token, symbol: 'X', decimals: 6, name: 'X', version: '1' }
const way = (changes: Partial<PaymentRequirements> = {}, extra: Record<string, unknown> = {}) => ({
  ...{ scheme: 'batch-settlement', network: `eip155:${chainId}`, amount: '100', asset: token },
  ...{ payTo: `0x${'0e'.repeat(20)}`, maxTimeoutSeconds: 120, ...changes },
  extra: {
    ...{ name: 'X', version: '1', receiverAuthorizer: `0x${'0a'.repeat(20)}`, withdrawDelay: 900 },
    ...{ minDeposit: '1000', ...extra },
  },
})

/** What the chain would say; a test without a chain writes it down. */
async function open(options: { lifetime?: bigint; maxDeposit?: bigint } = {}) {
  const file = join(folder, `wallet-${files++}`)
  const budget = await openBudget({
    path: `${file}-budget`,
    limits: options.lifetime === undefined ? {} : { lifetime: options.lifetime },
  })
  const chain = { balance: 0n, totalClaimed: 0n }
  const readChannel = async (): Promise<BatchState> => ({
    ...{ ...chain, withdrawing: 0n, withdrawRequestedAt: 0, refundNonce: 0n },
  })
  const clock = { now: 1_000 }
  const wallet = (path = file) =>
    openBatchWallet({
      ...{ path, deployment: { chainId }, currency, payer: accountOf(1), budget, readChannel },
      ...{ maxDeposit: options.maxDeposit ?? 5_000n, now: () => clock.now },
    })
  return { budget, chain, clock, wallet, file }
}
const max = ({ payload }: BatchPayment) =>
  BigInt((payload.voucher as { readonly maxClaimableAmount: string }).maxClaimableAmount)
const brings = ({ payload }: BatchPayment) =>
  payload.type === 'deposit' ? BigInt((payload.deposit as { readonly amount: string }).amount) : 0n
const charged = (amount: bigint) => ({
  ...{ success: true, transaction: '', network: `eip155:${chainId}` },
  extra: { chargedAmount: amount.toString() },
})
const vouch = (signer: ReturnType<typeof accountOf>, channelId: Hash, maxClaimableAmount: bigint) =>
  signer.signTypedData({
    domain: batchDomain(chainId),
    types: batchTypes,
    primaryType: 'Voucher',
    message: { channelId, maxClaimableAmount },
  })

describe('openBatchWallet', () => {
  test('default: a deposit first, vouchers of growing sums after it', async () => {
    const { wallet, budget } = await open()
    const batch = await wallet()
    const first = await batch.prepare(way(), 'GET x')
    expect([first.payload.type, max(first), brings(first)]).toEqual(['deposit', 100n, 1_000n])
    expect(await first.done(charged(100n), false)).toBe(100n)
    const second = await batch.prepare(way(), 'GET x')
    expect([second.payload.type, max(second)]).toEqual(['voucher', 200n])
    // Less was charged: the next voucher says so, and costs the budget less.
    expect(await second.done(charged(30n), false)).toBe(30n)
    const third = await batch.prepare(way(), 'GET x')
    expect(max(third)).toBe(230n)
    expect(budget.state().spent).toBe(230n)
    await third.done(charged(100n), false)
    await batch.close()
    await budget.close()
  })

  test('attack: a seller charges more than was promised, says that it did before, or shows what another signed', async () => {
    const { wallet, budget, chain } = await open()
    const batch = await wallet()
    const first = await batch.prepare(way(), 'GET x')
    expect(await first.done(charged(100_000n), false)).toBe(100n)
    chain.balance = 1_000n
    const [own] = batch.channels()
    const id = own?.id ?? '0x'
    const second = await batch.prepare(way(), 'GET x')
    const state = { chargedCumulativeAmount: '900' }
    await expect(second.refused(way({}, { channelState: state }))).rejects.toMatchObject({
      code: 'SNAPSHOT_FORGED',
    })
    const third = await batch.prepare(way(), 'GET x')
    const stranger = privateKeyToAccount(`0x${'77'.repeat(32)}`)
    const voucherState = { signedMaxClaimable: '900', signature: await vouch(stranger, id, 900n) }
    await expect(third.refused(way({}, { channelState: state, voucherState }))).rejects.toMatchObject({
      code: 'SNAPSHOT_FORGED',
    })
    // What its own key signed it believes, and no more of it.
    const fourth = await batch.prepare(way(), 'GET x')
    const proof = { signedMaxClaimable: '900', signature: await vouch(accountOf(1), id, 900n) }
    await fourth.refused(way({}, { channelState: { chargedCumulativeAmount: '850' }, voucherState: proof }))
    expect(batch.channels()).toMatchObject([{ charged: 850n, signed: 900n }])
    await batch.close()
    await budget.close()
  })

  test('attack: deposits whose answers are lost are not signed again while the first can still be made', async () => {
    const { wallet, budget, clock, chain } = await open({ maxDeposit: 1_500n })
    let batch = await wallet()
    const salts = new Set<unknown>()
    const saltOf = ({ payload }: BatchPayment) =>
      (payload.deposit as { authorization: { erc3009Authorization: { salt: unknown } } }).authorization
        .erc3009Authorization.salt
    for (let attempt = 0; attempt < 4; attempt++) {
      const payment = await batch.prepare(way(), 'GET x')
      expect(brings(payment)).toBe(1_000n)
      salts.add(saltOf(payment))
      await payment.unknown()
      if (attempt === 1) {
        // The wallet ends and begins again.
        await batch.close()
        batch = await wallet()
      }
    }
    expect(salts.size).toBe(1)
    // It was made after all: nothing more is deposited.
    chain.balance = 1_000n
    const voucher = await batch.prepare(way(), 'GET x')
    expect(voucher.payload.type).toBe('voucher')
    await voucher.done(charged(100n), false)
    clock.now += 10_000
    await batch.close()
    await budget.close()
  })

  test('error: more than may be locked in a channel', async () => {
    const { wallet, budget } = await open({ maxDeposit: 50n })
    const batch = await wallet()
    await expect(batch.prepare(way(), 'GET x')).rejects.toMatchObject({ code: 'DEPOSIT_LIMIT' })
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
    await batch.close()
    await budget.close()
  })

  test('attack: terms that lock a deposit for long, and a channel that changes between quote and payment', async () => {
    const { wallet, budget } = await open()
    const batch = await wallet()
    const asked = (extra: Record<string, unknown>, changes: Partial<PaymentRequirements> = {}) =>
      new Response(
        JSON.stringify({
          ...{ x402Version: 2, error: 'pay', resource: { url: 'http://a.example/' } },
          accepts: [way(changes, extra)],
        }),
        { status: 402 },
      )
    const answers: Response[] = []
    const pay = createPayingFetch({
      ...{ deployment: { chainId } as never, currency, budget, batch },
      fetch: async () => answers.shift() ?? new Response('free'),
    })
    answers.push(asked({ withdrawDelay: 2_592_000 }))
    await expect(pay('http://a.example/')).rejects.toMatchObject({ code: 'NO_WAY_TO_PAY' })
    for (const extra of [
      { receiverAuthorizer: `0x${'00'.repeat(20)}` },
      { withdrawDelay: 899 },
      { name: '' },
    ]) {
      answers.push(asked(extra))
      await expect(pay('http://a.example/')).rejects.toMatchObject({ code: 'NO_WAY_TO_PAY' })
    }
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
    answers.push(asked({}), asked({ receiverAuthorizer: `0x${'0b'.repeat(20)}` }))
    await expect(pay('http://a.example/')).rejects.toMatchObject({ code: 'QUOTE_CHANGED' })
    answers.push(asked({}), asked({}, { payTo: `0x${'0f'.repeat(20)}` }))
    await expect(pay('http://a.example/')).rejects.toMatchObject({ code: 'QUOTE_CHANGED' })
    answers.push(asked({}), asked({}), asked({}), asked({}))
    await expect(pay('http://a.example/')).rejects.toMatchObject({ code: 'PAYMENT_LOOP' })
    expect(batch.channels()).toMatchObject([{ signed: 100n }])
    expect(budget.state()).toMatchObject({ spent: 100n, reserved: 0n })
    await batch.close()
    await budget.close()
  })

  test('property: whatever becomes of payments, vouchers promise what the budget counts, and a crash forgets none', async () => {
    const step = fc.record({
      price: fc.constantFrom(5n, 7n, 40n),
      fate: fc.constantFrom('charged', 'charged', 'part', 'free', 'lost', 'refused', 'behind'),
      dies: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const { wallet, budget, chain, clock } = await open({ lifetime: 300n, maxDeposit: 500n })
        let batch: BatchWallet = await wallet()
        let highest = 0n
        /** What a seller that plays by the rules charged. */
        let truth = 0n
        for (const { price, fate, dies } of steps) {
          clock.now += 7
          const asked = way({ amount: price.toString() }, { minDeposit: '100' })
          const payment = await batch.prepare(asked, 'GET x').catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED' })
            return null
          })
          if (payment === null) break
          const sum = max(payment)
          if (sum > highest) highest = sum
          const isPaid = truth + price <= sum
          if (brings(payment) > 0n && fate !== 'free' && chain.balance < sum) chain.balance += brings(payment)
          if (!isPaid || fate === 'behind') {
            const channelState = { chargedCumulativeAmount: truth.toString() }
            await payment.refused(way({}, { channelState }))
          } else if (fate === 'charged' || fate === 'part') {
            const amount = fate === 'part' ? price / 2n : price
            truth += amount
            await payment.done(charged(amount), false)
          } else if (fate === 'free') await payment.done(null, true)
          else if (fate === 'lost') {
            truth += price
            await payment.unknown()
          } else await payment.refused(null)
          const [own] = batch.channels()
          expect(own?.signed).toBe(highest)
          expect(truth).toBeLessThanOrEqual(highest)
          expect(budget.state().spent).toBe(highest)
          expect(chain.balance).toBeLessThanOrEqual(highest + 500n)
          if (!dies) continue
          await batch.close()
          batch = await wallet()
        }
        expect(budget.state().spent).toBeLessThanOrEqual(300n)
        await batch.close()
        await budget.close()
      }),
      { numRuns: 60 },
    )
  })
})
