import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Hash } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  accountOf,
  chainOf,
  channelOf,
  currency,
  domain,
  idOf,
  openState,
  payee,
  paymentOf,
} from '../../test/offChain.ts'
import type { Ledger, LedgerOptions } from './ledger.ts'
import { openLedger } from './openLedger.ts'

let folder: string
/** What the chain would say; a test without a chain writes it down. */
let states: Map<Hash, ReturnType<typeof openState>>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  states = new Map([1, 2, 3].map((index) => [idOf(channelOf(index)), openState(channelOf(index), 1_000n)]))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const open = (changes: Partial<LedgerOptions> = {}): Promise<Ledger> =>
  openLedger({
    ...domain,
    path: join(folder, 'ledger.jsonl'),
    payee: { account: payee },
    currency,
    readChannel: async (id) => states.get(id) ?? { ...openState(channelOf(0), 0n), id, state: 'none' },
    ...changes,
  })

describe('openLedger', () => {
  test('default: what is promised is held, charged, and given back', async () => {
    const ledger = await open()
    const hold = await ledger.hold(await paymentOf(1, 100n), 60n)
    expect(hold).toMatchObject({ payer: accountOf(1).address, held: 60n })
    expect(hold.capture(25n)).toMatchObject({ spent: 25n, worth: 100n, deposit: 1_000n })
    const second = await ledger.hold(await paymentOf(1, 100n), 75n)
    expect(second.release()).toMatchObject({ spent: 25n })
    await ledger.close()
  })

  test('behavior: many requests in flight, in any order, need no strict sums', async () => {
    const ledger = await open()
    const payments = await Promise.all(
      Array.from({ length: 40 }, (_, index) => paymentOf(1, BigInt(index + 1) * 10n)),
    )
    payments.sort((a, b) => (a.signature < b.signature ? -1 : 1))
    const holds = await Promise.allSettled(payments.map((payment) => ledger.hold(payment, 10n)))
    const refused = holds.filter(({ status }) => status === 'rejected').length
    const [book] = ledger.books()
    // Whoever came before the sum that covers it is told so; nothing is served twice.
    expect(book?.spent).toBe(BigInt(40 - refused) * 10n)
    expect(book?.worth).toBe(400n)
    for (let again = 0; again < refused; again++) await ledger.hold(payments[0] as (typeof payments)[0], 10n)
    await expect(ledger.hold(payments[0] as (typeof payments)[0], 10n)).rejects.toMatchObject({
      code: 'VOUCHER_TOO_LOW',
      details: { worth: 400n, needed: 410n },
    })
    await ledger.close()
  })

  test('behavior: ticks pay between vouchers, and a stream waits for them', async () => {
    const ledger = await open()
    const chain = chainOf(7)
    const hold = await ledger.hold(await paymentOf(1, 0n, { chain, ticks: 3, tickPrice: 5n }), 15n)
    expect(hold.extend(5n)).toBe(false)
    const waited = ledger.waitForWorth(hold.channel, 20n, 60_000)
    await ledger.accept(await paymentOf(1, 0n, { chain, ticks: 4, tickPrice: 5n }))
    expect(await waited).toBe(true)
    expect(hold.extend(5n)).toBe(true)
    expect(hold.capture(20n)).toMatchObject({ spent: 20n, worth: 20n, ticks: 4 })
    expect(await ledger.waitForWorth(hold.channel, 21n, 10)).toBe(false)
    await ledger.close()
  })

  test('behavior: one word pays a call on a voucher that is known, and nothing else', async () => {
    const ledger = await open()
    const chain = chainOf(7, 600)
    const channel = idOf(channelOf(1))
    const tickOf = (ticks: number, of = chain) => ({
      channel,
      anchor: of.anchor,
      tick: { word: of.word(ticks), ticks },
    })
    const hold = (payment: ReturnType<typeof tickOf>, amount = 2n) => ledger.hold(payment, amount)
    await expect(hold(tickOf(1))).rejects.toMatchObject({ code: 'CHANNEL_NOT_OPEN' })
    await ledger.accept(await paymentOf(1, 0n, { chain, tickPrice: 2n }))
    expect((await hold(tickOf(1))).capture(2n)).toMatchObject({ spent: 2n, worth: 2n, ticks: 1 })
    // Repeated, it buys nothing; late, it changes nothing.
    await expect(hold(tickOf(1))).rejects.toMatchObject({ code: 'VOUCHER_TOO_LOW' })
    expect((await hold(tickOf(4))).held).toBe(2n)
    expect((await hold(tickOf(2))).held).toBe(2n)
    const alien = { ...tickOf(5), tick: { word: chainOf(8, 600).word(5), ticks: 5 } }
    await expect(hold(alien)).rejects.toMatchObject({ code: 'TICK_INVALID' })
    await expect(hold(tickOf(261))).rejects.toMatchObject({ code: 'TICKS_TOO_MANY' })
    // Of a chain that does not count: no more than what was promised before.
    await expect(hold(tickOf(9, chainOf(8, 600)), 3n)).rejects.toMatchObject({ code: 'VOUCHER_TOO_LOW' })
    await hold(tickOf(250))
    await expect(hold(tickOf(501))).rejects.toMatchObject({ code: 'DEPOSIT_TOO_LOW' })
    states.set(channel, openState(channelOf(1), 2_000n))
    expect((await hold(tickOf(501))).held).toBe(2n)
    states.set(channel, openState(channelOf(1), 2_000n, { state: 'closing', closesAt: 9 }))
    await ledger.refresh(channel)
    await expect(hold(tickOf(502))).rejects.toMatchObject({ code: 'CHANNEL_NOT_OPEN' })
    await ledger.close()
  })

  test('behavior: a voucher that is known already is not taken with another signature or content', async () => {
    const ledger = await open()
    const payment = await paymentOf(1, 100n, { chain: chainOf(7), tickPrice: 1n })
    await ledger.accept(payment)
    const altered = { ...payment, voucher: { ...payment.voucher, tickPrice: 9n } }
    await expect(ledger.accept(altered)).rejects.toMatchObject({ code: 'VOUCHER_SIGNATURE_INVALID' })
    const { signature } = await paymentOf(2, 100n)
    await expect(ledger.accept({ ...payment, signature })).rejects.toMatchObject({
      code: 'VOUCHER_SIGNATURE_INVALID',
    })
    await ledger.close()
  })

  test('behavior: after a crash every promise is there, and what was in flight counts as charged', async () => {
    const ledger = await open()
    const first = await ledger.hold(await paymentOf(1, 100n), 30n)
    first.capture(20n)
    await ledger.hold(await paymentOf(1, 120n, { chain: chainOf(1), ticks: 2 }), 50n)
    await ledger.flush()
    // As after kill -9: the file as it is, and half a line.
    const path = join(folder, 'copy.jsonl')
    appendFileSync(path, readFileSync(join(folder, 'ledger.jsonl')))
    appendFileSync(path, 'deadbeef [3,[{"id":')
    await ledger.close()
    const again = await open({ path })
    expect(again.books()).toMatchObject([{ spent: 70n, worth: 122n, ticks: 2 }])
    await expect(again.hold(await paymentOf(1, 120n), 53n)).rejects.toMatchObject({ code: 'VOUCHER_TOO_LOW' })
    await again.hold(await paymentOf(1, 120n), 52n)
    await again.close()
  })

  test('behavior: a life that ended while nobody looked is not served on', async () => {
    const ledger = await open()
    await ledger.hold(await paymentOf(1, 100n), 10n)
    await ledger.close()
    states.set(idOf(channelOf(1)), openState(channelOf(1), 1_000n, { epoch: 1n }))
    const again = await open()
    await expect(again.hold(await paymentOf(1, 200n), 10n)).rejects.toMatchObject({
      code: 'VOUCHER_FOREIGN',
      details: { epoch: 0n, wantedEpoch: 1n },
    })
    await again.hold(await paymentOf(1, 10n, { voucher: { epoch: 1n } }), 10n)
    await again.close()
  })

  test('behavior: funded by the payee where the payer has no gas', async () => {
    const channel = channelOf(9)
    const ledger = await open({
      fund: async (_, { amount }) => {
        states.set(idOf(channel), openState(channel, amount))
      },
    })
    const funding = {
      amount: 500n,
      validAfter: 0n,
      validBefore: 9n,
      salt: idOf(channel),
      signature: '0x01' as const,
    }
    const payment = { ...(await paymentOf(9, 100n)), funding }
    expect((await ledger.hold(payment, 100n)).held).toBe(100n)
    await ledger.close()
  })

  test('behavior: a capture of a life that is over does not bury the next life on disk', async () => {
    const ledger = await open()
    const old = await ledger.hold(await paymentOf(1, 100n), 100n)
    states.set(old.channel, openState(channelOf(1), 1_000n, { epoch: 1n }))
    const inNew = () => paymentOf(1, 300n, { voucher: { epoch: 1n } })
    ;(await ledger.hold(await inNew(), 300n)).capture(300n)
    await ledger.flush()
    old.capture(50n)
    await ledger.flush()
    // As after a crash: the file as it is.
    const path = join(folder, 'copy.jsonl')
    appendFileSync(path, readFileSync(join(folder, 'ledger.jsonl')))
    await ledger.close()
    const again = await open({ path })
    expect(again.book(old.channel)).toMatchObject({ epoch: 1n, worth: 300n, spent: 300n })
    await expect(again.hold(await inNew(), 300n)).rejects.toMatchObject({ code: 'VOUCHER_TOO_LOW' })
    await again.close()
  })

  test('behavior: the chain is asked again before more is served, so that a closed channel is not served on', async () => {
    let time = 0
    const ledger = await open({ freshMs: 60_000, now: () => time })
    const { channel } = await ledger.hold(await paymentOf(1, 100n), 100n)
    states.set(channel, openState(channelOf(1), 0n, { state: 'none', epoch: 1n }))
    time += 59_999
    await ledger.hold(await paymentOf(1, 200n), 100n)
    time += 1
    await expect(ledger.hold(await paymentOf(1, 300n), 100n)).rejects.toMatchObject({
      code: 'CHANNEL_NOT_OPEN',
    })
    await ledger.close()
  })

  test('error: FundingRefusedError: no transaction is sent for dust, nor where none is needed', async () => {
    let sent = 0
    const ledger = await open({
      leastFunding: 1_000n,
      fund: async () => {
        sent++
      },
    })
    const funding = { validAfter: 0n, validBefore: 9n, salt: idOf(channelOf(1)), signature: '0x01' as const }
    const dust = { ...(await paymentOf(1, 10n)), funding: { ...funding, amount: 999n } }
    await expect(ledger.hold(dust, 10n)).rejects.toMatchObject({
      code: 'FUNDING_REFUSED',
      details: { least: 1_000n },
    })
    const unneeded = { ...(await paymentOf(1, 10n)), funding: { ...funding, amount: 1_000n } }
    await ledger.hold(unneeded, 10n)
    expect(sent).toBe(0)
    await ledger.close()
  })

  test('error: JournalInUseError: one file has one ledger', async () => {
    const ledger = await open()
    await expect(open()).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' })
    await ledger.close()
    await (await open()).close()
  })

  describe('bad input', () => {
    test.each([
      [
        'an altered sum',
        async () => ({
          ...(await paymentOf(1, 10n)),
          voucher: { ...(await paymentOf(1, 10n)).voucher, cumulative: 900n },
        }),
        'VOUCHER_SIGNATURE_INVALID',
      ],
      [
        'another signer',
        async () => ({
          ...(await paymentOf(2, 10n)),
          channel: channelOf(1),
          voucher: (await paymentOf(1, 10n)).voucher,
        }),
        'VOUCHER_SIGNATURE_INVALID',
      ],
      [
        'a high s',
        async () => ({ ...(await paymentOf(1, 10n)), signature: flip((await paymentOf(1, 10n)).signature) }),
        'VOUCHER_SIGNATURE_INVALID',
      ],
      [
        'a voucher of another channel',
        async () => ({ ...(await paymentOf(1, 10n)), channel: channelOf(1, { salt: idOf(channelOf(1)) }) }),
        'CHANNEL_NOT_OPEN',
      ],
      [
        'another payee',
        () => paymentOf(1, 10n, { channel: channelOf(1, { payee: accountOf(5).address }) }),
        'CHANNEL_FOREIGN',
      ],
      ['an asset', () => paymentOf(1, 10n, { channel: channelOf(1, { asset: 3n }) }), 'CHANNEL_FOREIGN'],
      [
        'another currency',
        () => paymentOf(1, 10n, { channel: channelOf(1, { currency: payee }) }),
        'CHANNEL_FOREIGN',
      ],
      [
        'too short a delay',
        () => paymentOf(1, 10n, { channel: channelOf(1, { closeDelay: 899 }) }),
        'CHANNEL_FOREIGN',
      ],
      ['a channel that is not open', () => paymentOf(6, 10n), 'CHANNEL_NOT_OPEN'],
      ['an epoch to come', () => paymentOf(1, 10n, { voucher: { epoch: 1n } }), 'VOUCHER_FOREIGN'],
      ['more than the deposit', () => paymentOf(1, 1_001n), 'DEPOSIT_TOO_LOW'],
      [
        'ticks beyond the deposit',
        () => paymentOf(1, 999n, { chain: chainOf(2), ticks: 2 }),
        'DEPOSIT_TOO_LOW',
      ],
      ['less than the price', () => paymentOf(1, 9n), 'VOUCHER_TOO_LOW'],
      [
        'a word of another chain',
        async () => ({
          ...(await paymentOf(1, 10n, { chain: chainOf(2), ticks: 1 })),
          tick: { word: chainOf(3).word(1), ticks: 1 },
        }),
        'TICK_INVALID',
      ],
      [
        'more ticks than stood for',
        async () => ({
          ...(await paymentOf(1, 10n, { chain: chainOf(2, 4), ticks: 1 })),
          tick: { word: chainOf(2).word(9), ticks: 9 },
        }),
        'TICKS_TOO_MANY',
      ],
      [
        'ticks of no chain',
        async () => ({ ...(await paymentOf(1, 10n)), tick: { word: chainOf(2).word(1), ticks: 1 } }),
        'TICK_FOREIGN',
      ],
    ])('error: %s', async (_, make, code) => {
      const ledger = await open()
      await expect(make().then((payment) => ledger.hold(payment, 10n))).rejects.toMatchObject({ code })
      for (const { spent } of ledger.books()) expect(spent).toBe(0n)
      await ledger.close()
    })

    test('error: a closing channel takes nothing new', async () => {
      states.set(idOf(channelOf(1)), openState(channelOf(1), 1_000n, { state: 'closing', closesAt: 99 }))
      const ledger = await open()
      await expect(ledger.hold(await paymentOf(1, 10n), 10n)).rejects.toMatchObject({
        code: 'CHANNEL_NOT_OPEN',
      })
      await ledger.close()
    })

    test('error: a hold is captured or released once, and within what it holds', async () => {
      const ledger = await open()
      const hold = await ledger.hold(await paymentOf(1, 10n), 10n)
      expect(() => hold.capture(11n)).toThrowError(expect.objectContaining({ code: 'OVERCHARGE' }))
      hold.capture(10n)
      expect(() => hold.release()).toThrowError(expect.objectContaining({ code: 'HOLD_SPENT' }))
      await ledger.close()
    })
  })

  test('behavior: whatever payers do, what is charged is promised, promised is held, and survives a restart', async () => {
    const step = fc.record({
      payer: fc.integer({ min: 1, max: 3 }),
      sum: fc.bigInt({ min: 0n, max: 1_100n }),
      price: fc.bigInt({ min: 0n, max: 300n }),
      charged: fc.bigInt({ min: 0n, max: 300n }),
      chain: fc.option(fc.integer({ min: 1, max: 3 })),
      ticks: fc.integer({ min: 0, max: 64 }),
      end: fc.constantFrom('capture', 'release', 'hang', 'restart'),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const path = join(folder, `${run++}.jsonl`)
        let ledger = await open({ path })
        /** Sums signed, and words shown, by chain: a chain that stands behind two vouchers pays on both. */
        const signed = new Map<Hash, { sum: bigint; chain: number | null }[]>()
        const shown = new Map<number, number>()
        const promised = (id: Hash) =>
          (signed.get(id) ?? [])
            .map(({ sum, chain }) => sum + (chain === null ? 0n : 3n * BigInt(shown.get(chain) ?? 0)))
            .reduce((most, worth) => (worth > most ? worth : most), 0n)
        for (const { payer, sum, price, charged, chain, ticks, end } of steps) {
          const options = chain === null ? {} : { chain: chainOf(chain), ticks, tickPrice: 3n }
          const payment = await paymentOf(payer, sum, options)
          const id = payment.voucher.channel
          signed.set(id, [...(signed.get(id) ?? []), { sum, chain }])
          if (chain !== null) shown.set(chain, Math.max(shown.get(chain) ?? 0, ticks))
          const hold = await ledger.hold(payment, price).catch(() => null)
          if (end === 'capture') hold?.capture(charged > price ? price : charged)
          if (end === 'release') hold?.release()
          if (end === 'restart') {
            await ledger.close()
            ledger = await open({ path })
          }
          for (const book of ledger.books()) {
            expect(book.spent).toBeLessThanOrEqual(book.worth)
            expect(book.worth).toBeLessThanOrEqual(book.deposit)
            expect(book.worth).toBeLessThanOrEqual(promised(book.id))
          }
        }
        await ledger.close()
      }),
      { numRuns: process.env.MILLRACE_DEEP === undefined ? 15 : 500 },
    )
  })
})

/** The other signature of the same digest, which the chain refuses. */
function flip(signature: Hash | `0x${string}`): `0x${string}` {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  const v = signature.endsWith('1b') ? '1c' : '1b'
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as `0x${string}`
}
