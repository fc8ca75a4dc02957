import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OfferEnd, OfferRecord } from '../journal/entries.ts'
import { planOffers } from './planOffers.ts'

const spec = { version: 1 } as OfferRecord['spec']
const offer = (slot: number, expiry: number, ended: OfferEnd | null = null): OfferRecord => ({
  id: `0x${(slot * 100_000 + expiry).toString(16).padStart(64, '0')}`,
  slot,
  nonce: '1',
  expiry,
  spec,
  ended,
})
const base = {
  offers: [] as readonly OfferRecord[],
  slots: 2,
  slotTaken: (_: number) => false,
  open: true,
  now: 1000,
  ttl: 300,
  bonded: false,
  specOf: () => 'a',
  hashSpecOf: () => 'a',
}

test('default: every free slot gets an offer, renewed at half of its life', () => {
  expect(planOffers(base).sign).toEqual([0, 1])
  expect(planOffers({ ...base, offers: [offer(0, 1200), offer(1, 1149)] }).sign).toEqual([1])
})

test('behavior: a slot that is taken, or a closed node, hides what is out', () => {
  const offers = [offer(0, 1200), offer(1, 1200)]
  const taken = planOffers({ ...base, offers, slotTaken: (slot) => slot === 0 })
  expect(taken.withdraw.map((item) => item.slot)).toEqual([0])
  expect(taken.sign).toEqual([])
  expect(planOffers({ ...base, offers, open: false })).toMatchObject({ sign: [], withdraw: offers })
})

test('behavior: a changed machine is offered anew', () => {
  const plan = planOffers({ ...base, offers: [offer(0, 1290), offer(1, 1290)], specOf: () => 'b' })
  expect(plan.sign).toEqual([0, 1])
})

test('behavior: what has long expired is looked at a last time', () => {
  expect(
    planOffers({ ...base, offers: [offer(0, 879), offer(0, 881)] }).retire.map((item) => item.expiry),
  ).toEqual([879])
})

test('property: with a bond no slot ever has two offers that can be opened', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ wait: fc.nat(200), taken: fc.boolean(), open: fc.boolean(), hide: fc.boolean() }),
        {
          maxLength: 40,
        },
      ),
      (rounds) => {
        let now = 1000
        let offers: OfferRecord[] = []
        for (const round of rounds) {
          now += round.wait
          if (round.hide) offers = offers.map((item) => ({ ...item, ended: item.ended ?? 'withdrawn' }))
          const plan = planOffers({
            ...base,
            slots: 1,
            offers,
            now,
            bonded: true,
            open: round.open,
            slotTaken: () => round.taken,
          })
          for (const slot of plan.sign) offers.push(offer(slot, now + 300))
          expect(offers.filter((item) => item.expiry >= now).length).toBeLessThanOrEqual(1)
        }
      },
    ),
  )
})
