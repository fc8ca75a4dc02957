import fc from 'fast-check'
import { type Hash, zeroHash } from 'viem'
import { expect, test } from 'vitest'
import { channelOf, idOf, openState } from '../../test/offChain.ts'
import { openCurve } from '../curve/openCurve.ts'
import { newBook, takeTick, takeVoucher } from '../ledger/channelBook.ts'
import { chainLength, nextPromise, type Promised, type Promising } from './nextPromise.ts'

const channel = channelOf(1)
const fresh = () => ({ id: idOf(channel), epoch: 0n, signed: 0n, ticking: null, lastPrice: null })
const signature = `0x${'11'.repeat(65)}` as const
const { keccak256 } = await openCurve()

/** A payer that promises `price` more at each call, and how often it signed. */
function payer(own: Promising & { signed: bigint } = fresh()) {
  let signed = 0
  const pay = (price: bigint, terms: Hash = zeroHash): Promised => {
    const cumulative = own.signed + price
    const sign = async () => {
      signed++
      return signature
    }
    const promised = nextPromise(own, { cumulative, price, terms, sign })
    own.signed = cumulative
    return promised
  }
  return { own, pay, signed: () => signed }
}

/** A payee's book, and what it is worth after a promise. */
function payee() {
  const book = newBook(channel, openState(channel, 10n ** 12n))
  return {
    book,
    take({ voucher, tick }: Promised) {
      takeVoucher(book, { voucher, signature })
      if (tick !== null && book.best?.voucher.anchor === voucher.anchor) takeTick(book, tick, keccak256)
      return book.worth
    },
  }
}

test('default: a price that comes back is paid by one word a call, and signed for once a chain', () => {
  const { pay, own, signed } = payer()
  const { take } = payee()
  const calls = 2 * chainLength
  for (let call = 1; call <= calls; call++) {
    const promised = pay(500n)
    expect(take(promised)).toBe(BigInt(call) * 500n)
    if (promised.ticking !== null && promised.tick !== null)
      promised.ticking.acknowledged = promised.tick.ticks
  }
  // The first voucher without a chain, one with, and one once that is spent.
  expect(signed()).toBe(3)
  expect(own.signed).toBe(BigInt(calls) * 500n)
})

test('behavior: whatever is paid and in whichever order it arrives, the payee has what was promised and never more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(100n, 200n, 300n, 7n, 0n), { minLength: 1, maxLength: 60 }),
      fc.infiniteStream(fc.nat()),
      (prices, order) => {
        const { pay, own } = payer()
        const promised = prices.map((price) => pay(price))
        const { take, book } = payee()
        const shuffled = promised
          .map((each) => ({ each, at: order.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
        for (const { each } of shuffled) expect(take(each)).toBeLessThanOrEqual(own.signed)
        // Nothing is promised by a call that costs nothing, so the last one may say no more than one before it.
        expect(book.worth).toBe(own.signed)
      },
    ),
    { numRuns: 300 },
  )
})

test('behavior: other terms, another epoch, or a promise from elsewhere end the chain', () => {
  const { pay, own } = payer()
  for (let call = 0; call < 3; call++) pay(500n)
  expect(own.ticking?.shown).toBe(1)
  expect(pay(500n, `0x${'22'.repeat(32)}`).tick).toBeNull()
  pay(500n)
  expect(pay(500n).tick).not.toBeNull()
  own.signed += 1n
  expect(pay(500n).tick).toBeNull()
})

test('behavior: no payee is made to walk further than it walks, and a large step is signed', () => {
  const { pay, own } = payer()
  pay(1n)
  pay(1n)
  expect(pay(65n).tick).toBeNull()
  pay(1n)
  pay(1n)
  // None of these is answered: the payee may have seen no word yet.
  let signed = 0
  for (let call = 0; call < 300; call++) if (pay(1n).tick === null) signed++
  expect(signed).toBeGreaterThan(0)
  expect((own.ticking?.shown ?? 0) - (own.ticking?.acknowledged ?? 0)).toBeLessThanOrEqual(256)
})
