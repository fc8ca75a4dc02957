import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Hash } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BatchBook, claimable } from './batchBook.ts'
import { type BatchHold, type BatchLedger, openBatchLedger } from './openBatchLedger.ts'
import type { BatchConfig, BatchPayload } from './payload.ts'
import type { BatchState } from './readBatchChannel.ts'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batch-ledger-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const id: Hash = `0x${'ab'.repeat(32)}`
const party = (byte: string) => `0x${byte.repeat(20)}` as const
const channelConfig: BatchConfig = {
  ...{ payer: party('01'), payerAuthorizer: party('01'), receiver: party('02') },
  ...{
    receiverAuthorizer: party('03'),
    token: party('04'),
    withdrawDelay: 900,
    salt: `0x${'00'.repeat(32)}`,
  },
}
const voucherOf = (maxClaimableAmount: bigint) => ({
  ...{ channelId: id, maxClaimableAmount },
  signature: `0x${maxClaimableAmount.toString(16).padStart(130, '0')}` as const,
})
const voucher = (max: bigint): BatchPayload => ({ type: 'voucher', channelConfig, voucher: voucherOf(max) })
const refund = (max: bigint, amount?: string) => ({
  ...{ type: 'refund' as const, channelConfig, voucher: voucherOf(max) },
  ...(amount === undefined ? {} : { amount }),
})
const deposit = (max: bigint, amount: bigint): BatchPayload => ({
  ...{ type: 'deposit', channelConfig, voucher: voucherOf(max) },
  deposit: { amount, authorization: {} },
})

/** What the chain would say; a test without a chain writes it down. */
function open(state: BatchState) {
  let path = join(folder, `ledger-${files++}`)
  const chain = { state }
  const now = { ms: 0 }
  const start = () =>
    openBatchLedger({ path, readChannel: async () => chain.state, now: () => now.ms, freshMs: 1_000 })
  return {
    ...{ chain, now, open: start },
    /** Begins again from what is on disk at this moment: what was not written yet is lost. */
    async crash(ledger: BatchLedger): Promise<BatchLedger> {
      const left = join(folder, `ledger-${files++}`)
      copyFileSync(path, left)
      await ledger.close()
      path = left
      return start()
    },
  }
}
const funded = (balance: bigint, changes: Partial<BatchState> = {}): BatchState => ({
  ...{ balance, totalClaimed: 0n, withdrawing: 0n, withdrawRequestedAt: 0, refundNonce: 0n },
  ...changes,
})
const reason = (name: string) => ({ reason: `invalid_batch_settlement_evm_${name}` })

const least = (a: bigint, b: bigint) => (a < b ? a : b)

describe('openBatchLedger', () => {
  test('default: a voucher pays one call; the same again, or a lower one, pays none', async () => {
    const ledger = await open(funded(1_000n)).open()
    const hold = await ledger.hold(voucher(100n), 100n)
    await expect(ledger.hold(voucher(100n), 100n)).rejects.toMatchObject({
      ...reason('cumulative_amount_mismatch'),
      snapshot: { charged: 100n, best: { maxClaimableAmount: 100n } },
    })
    expect(await hold.capture(60n)).toMatchObject({ charged: 60n })
    await expect(ledger.hold(voucher(100n), 41n)).rejects.toMatchObject(reason('cumulative_amount_mismatch'))
    expect((await ledger.hold(voucher(90n), 40n)).held).toBe(40n)
    await ledger.close()
  })

  test('behavior: what is held ahead of the disk counts at once, outlives a crash once it is kept, and can be given back', async () => {
    const { open: start, crash } = open(funded(1_000n))
    let ledger = await start()
    const [first, second] = [
      await ledger.holdAhead(voucher(100n), 100n),
      await ledger.holdAhead(voucher(200n), 100n),
    ]
    await expect(ledger.holdAhead(voucher(200n), 1n)).rejects.toMatchObject(
      reason('cumulative_amount_mismatch'),
    )
    await Promise.all([first.kept, second.kept])
    second.hold.release()
    expect(await first.hold.capture(100n)).toMatchObject({ charged: 100n })
    ledger = await crash(ledger)
    // Nobody knows what became of the second: it counts as charged.
    expect(ledger.book(id)).toMatchObject({ spent: 200n, best: { maxClaimableAmount: 200n } })
    await ledger.close()
  })

  test('attack: vouchers beyond what stays in the channel, whoever takes it out', async () => {
    const { chain, now, open: start } = open(funded(1_000n, { withdrawing: 400n, withdrawRequestedAt: 1 }))
    const ledger = await start()
    await expect(ledger.hold(voucher(601n), 100n)).rejects.toMatchObject(reason('cumulative_exceeds_balance'))
    const hold = await ledger.hold(voucher(600n), 600n)
    await hold.capture(600n)
    chain.state = funded(600n)
    now.ms += 2_000
    await expect(ledger.hold(voucher(700n), 100n)).rejects.toMatchObject(reason('cumulative_exceeds_balance'))
    chain.state = funded(0n)
    await expect(ledger.hold(voucher(700n), 100n)).rejects.toMatchObject(reason('channel_not_found'))
    await ledger.close()
  })

  test('attack: a deposit that never comes is charged for nothing, and leaves no credit', async () => {
    const ledger = await open(funded(0n)).open()
    const hold = await ledger.hold(deposit(100n, 1_000n), 100n)
    // Meanwhile nothing else is served on what is only promised.
    await expect(ledger.hold(deposit(100n, 1_000n), 100n)).rejects.toMatchObject(
      reason('cumulative_amount_mismatch'),
    )
    await expect(ledger.hold(voucher(200n), 100n)).rejects.toMatchObject(reason('channel_not_found'))
    await hold.deposited(`0x${'cd'.repeat(32)}`)
    await expect(hold.capture(100n)).rejects.toMatchObject(reason('cumulative_exceeds_balance'))
    hold.release()
    expect(ledger.book(id)).toMatchObject({ spent: 0n, unbacked: 0n, requests: 0 })
    await ledger.close()
  })

  test('crash: what was charged with a deposit is charged after it, and not before its answer went out', async () => {
    const { chain, open: start, crash } = open(funded(0n))
    let ledger = await start()
    const nonce: Hash = `0x${'cd'.repeat(32)}`
    await ledger.hold(deposit(100n, 1_000n), 100n)
    chain.state = funded(1_000n)
    ledger = await crash(ledger)
    // The deposit came, and nothing was given out for it: the same payment buys its call now.
    const hold = await ledger.hold(deposit(100n, 1_000n), 100n)
    await hold.deposited(nonce)
    await hold.capture(80n)
    ledger = await crash(ledger)
    expect(ledger.book(id)).toMatchObject({ spent: 80n, deposited: { nonce, charged: 80n } })
    await expect(ledger.hold(voucher(100n), 21n)).rejects.toMatchObject(reason('cumulative_amount_mismatch'))
    await ledger.close()
  })

  test('attack: after consent to a refund nothing of it is served, through a restart, until the chain has passed its nonce', async () => {
    const { chain, open: start, crash } = open(funded(1_000n))
    let ledger = await start()
    await (await ledger.hold(voucher(100n), 100n)).capture(100n)
    const flying = await ledger.hold(voucher(200n), 100n)
    await expect(ledger.refund(refund(200n))).rejects.toMatchObject(reason('channel_busy'))
    flying.release()
    await expect(ledger.refund(refund(200n))).rejects.toMatchObject(reason('cumulative_amount_mismatch'))
    for (const amount of ['0', '-1', '1.5', '901', 'all'])
      await expect(ledger.refund(refund(100n, amount))).rejects.toMatchObject(reason('refund_amount_invalid'))
    expect(await ledger.refund(refund(100n, '700'))).toMatchObject({ nonce: 0n, amount: 700n })
    // Asked for more, the same is agreed to: another consent of this nonce may be out.
    expect(await ledger.refund(refund(100n))).toMatchObject({ nonce: 0n, amount: 700n })
    ledger = await crash(ledger)
    await expect(ledger.hold(voucher(301n), 100n)).rejects.toMatchObject(reason('cumulative_exceeds_balance'))
    await (await ledger.hold(voucher(300n), 200n)).capture(200n)
    chain.state = funded(300n, { refundNonce: 1n })
    await ledger.refresh(id)
    expect(ledger.book(id)).toMatchObject({ refunding: null })
    await expect(ledger.refund(refund(300n))).rejects.toMatchObject(reason('refund_no_balance'))
    await ledger.close()
  })

  test('error: a refund of a channel that is not known', async () => {
    const ledger = await open(funded(1_000n)).open()
    await expect(ledger.refund(refund(0n))).rejects.toMatchObject(reason('missing_channel'))
    await ledger.close()
  })

  test('property: whatever payers do, what is charged is promised and there, is claimed once, and survives a restart', async () => {
    const step = fc.record({
      act: fc.constantFrom(
        'pay',
        'pay',
        'pay',
        'deposit',
        'part',
        'drop',
        'crash',
        'claim',
        'withdraw',
        'refund',
      ),
      price: fc.bigInt({ min: 1n, max: 60n }),
      more: fc.bigInt({ min: -20n, max: 80n }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { chain, open: start, crash } = open(funded(500n))
        let ledger = await start()
        /** Given out for money, and known to the test alone. */
        let delivered = 0n
        let signed = 0n
        const claimAll = (book: Readonly<BatchBook>) => {
          const total = claimable(book)
          if (total > chain.state.totalClaimed) chain.state = { ...chain.state, totalClaimed: total }
        }
        let flying: { hold: BatchHold; brings: bigint }[] = []
        for (const { act, price, more } of steps) {
          const book = ledger.book(id)
          if (act === 'pay' || act === 'deposit') {
            const max = (book?.spent ?? 0n) + (book?.unbacked ?? 0n) + more
            const brings = act === 'deposit' ? 200n : 0n
            const payload = brings > 0n ? deposit(max < 0n ? 0n : max, brings) : voucher(max < 0n ? 0n : max)
            const hold = await ledger.hold(payload, price).catch(() => null)
            if (hold === null) continue
            if (max > signed) signed = max
            flying.push({ hold, brings })
          } else if (act === 'part' || act === 'drop') {
            const next = flying.shift()
            if (next === undefined) continue
            const { hold, brings } = next
            if (act === 'drop') hold.release()
            else {
              if (brings > 0n) {
                chain.state = { ...chain.state, balance: chain.state.balance + brings }
                await hold.deposited(`0x${'cd'.repeat(32)}`)
              }
              const charged = price < hold.held ? price : hold.held
              const done = await hold.capture(charged).catch(() => null)
              if (done === null) hold.release()
              else delivered += charged
            }
          } else if (act === 'crash') {
            ledger = await crash(ledger)
            flying = []
          } else if (act === 'claim' && book !== undefined) {
            claimAll(book)
            await ledger.refresh(id)
          } else if (act === 'withdraw') {
            // The payee looks more often than the delay is long, and claims before it is over.
            if (book !== undefined) claimAll(book)
            const { balance, totalClaimed } = chain.state
            const withdrawing = least(chain.state.withdrawing, balance - totalClaimed)
            chain.state =
              withdrawing === 0n
                ? { ...chain.state, withdrawing: (balance - totalClaimed) / 2n, withdrawRequestedAt: 1 }
                : { ...chain.state, balance: balance - withdrawing, withdrawing: 0n, withdrawRequestedAt: 0 }
            await ledger.refresh(id)
          } else if (act === 'refund' && book !== undefined) {
            const plan = await ledger.refund(refund(book.spent)).catch(() => null)
            if (plan === null) continue
            claimAll(book)
            const { balance, totalClaimed, withdrawing, refundNonce } = chain.state
            const amount = least(plan.amount, balance - totalClaimed)
            chain.state = {
              ...{ totalClaimed, withdrawRequestedAt: 0, balance: balance - amount },
              withdrawing: withdrawing - least(withdrawing, amount),
              refundNonce: refundNonce + 1n,
            }
            await ledger.refresh(id)
          }
          const after = ledger.book(id)
          // What was given out is charged, whatever a crash forgot.
          expect(delivered).toBeLessThanOrEqual(after?.spent ?? 0n)
          if (after === undefined) continue
          const best = after.best?.maxClaimableAmount ?? 0n
          expect(after.spent + after.unbacked).toBeLessThanOrEqual(
            best > after.state.totalClaimed ? best : after.state.totalClaimed,
          )
          expect(best).toBeLessThanOrEqual(signed)
          expect(claimable(after)).toBeLessThanOrEqual(after.spent - after.held)
          expect(after.held).toBeGreaterThanOrEqual(0n)
          expect(after.unbacked).toBeGreaterThanOrEqual(0n)
        }
        // Whatever was given out can be claimed: no payer could take it away.
        for (const { hold } of flying) hold.release()
        const last = ledger.book(id)
        if (last !== undefined) expect(claimable(last)).toBeGreaterThanOrEqual(delivered)
        await ledger.close()
      }),
      { numRuns: 150 },
    )
  })
})
