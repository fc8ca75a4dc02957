import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meterBody, type StreamState } from './meterBody.ts'
import { type Metered, meteredCost } from './metered.ts'
import type { Reservation } from './scheme.ts'

const payer = `0x${'11'.repeat(20)}` as const

/** Holds `first`, and gives more as often as `times` says. */
function moneyOf(first: bigint, times: number): Reservation & { readonly given: () => number } {
  let ceiling = first
  let given = 0
  return {
    payer,
    get ceiling() {
      return ceiling
    },
    given: () => given,
    async extend(amount) {
      if (given >= times) return false
      given++
      ceiling += amount
      return true
    },
    capture: () => Promise.reject(new RangeError('not here')),
    release: () => Promise.resolve(),
  }
}

function sourceOf(sizes: readonly number[]): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const size = sizes[at++]
      if (size === undefined) controller.close()
      else controller.enqueue(new Uint8Array(size).fill(at))
    },
  })
}

test('property: no byte leaves that is not covered; what is charged is what left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 20 }),
      fc.record({ price: fc.bigInt(1n, 50n), units: fc.integer({ min: 1, max: 700 }) }),
      fc.bigInt(1n, 400n),
      fc.integer({ min: 0, max: 30 }),
      async (sizes, { price, units }, stretch, times) => {
        const metered: Metered = { per: 'byte', price, units }
        const reservation = moneyOf(stretch, times)
        const ends: StreamState[] = []
        const { stream } = meterBody(sourceOf(sizes), {
          ...{ metered, reservation, stretch, graceMs: 0, now: () => 0 },
          async onEnd(state) {
            ends.push(state)
          },
        })
        const reader = stream.getReader()
        let bytes = 0
        let failure: unknown = null
        for (;;) {
          const piece = await reader.read().catch((error: unknown) => {
            failure = error
            return null
          })
          if (piece === null || piece.done) break
          bytes += piece.value.length
          expect(meteredCost(metered, { bytes, ms: 0 })).toBeLessThanOrEqual(reservation.ceiling)
        }
        const whole = sizes.reduce((sum, size) => sum + size, 0)
        const enough = meteredCost(metered, { bytes: whole, ms: 0 }) <= stretch * BigInt(times + 1)
        expect(ends).toHaveLength(1)
        expect(ends[0]?.used).toBe(meteredCost(metered, { bytes, ms: 0 }))
        expect(ends[0]?.ended).toBe(enough ? 'complete' : 'money_ran_out')
        if (enough) expect([failure, bytes]).toEqual([null, whole])
        else {
          expect(failure).toMatchObject({ code: 'MONEY_RAN_OUT' })
          // Everything that was paid for was given.
          expect(meteredCost(metered, { bytes: bytes + 1, ms: 0 })).toBeGreaterThan(reservation.ceiling)
        }
      },
    ),
    { seed: 402, numRuns: 300 },
  )
})

test('property: no unit leaves that is not covered, however pieces are cut; what is charged is what was counted last', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 12 }),
      // Units a byte, and how many an answer takes back at its end.
      fc.record({ each: fc.constantFrom(0.01, 0.25, 1), back: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ price: fc.bigInt(1n, 50n), stretch: fc.bigInt(600n, 30_000n) }),
      fc.integer({ min: 0, max: 30 }),
      async (sizes, { each, back }, { price, stretch }, times) => {
        const metered: Metered = { per: 'word', price }
        const reservation = moneyOf(stretch, times)
        const whole = sizes.reduce((sum, size) => sum + size, 0)
        const meter = () => {
          let seen = 0
          return (piece: Uint8Array) => {
            seen += piece.length
            const units = Math.ceil(seen * each)
            return seen === whole ? Math.max(0, units - back) : units
          }
        }
        const ends: StreamState[] = []
        const { stream } = meterBody(sourceOf(sizes), {
          ...{ metered, count: meter(), reservation, stretch, graceMs: 0, now: () => 0 },
          async onEnd(state) {
            ends.push(state)
          },
        })
        const reader = stream.getReader()
        const count = meter()
        let units = 0
        let isWhole = false
        for (;;) {
          const piece = await reader.read().catch(() => null)
          if (piece === null) break
          isWhole = piece.done
          if (piece.done) break
          units = count(piece.value)
          expect(meteredCost(metered, { bytes: 0, ms: 0, units })).toBeLessThanOrEqual(reservation.ceiling)
        }
        expect(ends).toHaveLength(1)
        expect(ends[0]?.used).toBe(meteredCost(metered, { bytes: 0, ms: 0, units }))
        expect(ends[0]?.ended).toBe(isWhole ? 'complete' : 'money_ran_out')
        // It ended because nobody gave more, and not before.
        if (!isWhole) expect(reservation.given()).toBe(times)
      },
    ),
    { seed: 402, numRuns: 300 },
  )
})

test('behavior: a second is not begun that is not paid for, and waiting for money costs nothing', async () => {
  let clock = 0
  const reservation = moneyOf(1_000n, 1)
  const extend = reservation.extend?.bind(reservation)
  const waiting: Reservation = {
    ...{ payer, capture: reservation.capture, release: reservation.release },
    get ceiling() {
      return reservation.ceiling
    },
    async extend(amount, ms) {
      clock += 5_000
      return (await extend?.(amount, ms)) ?? false
    },
  }
  const ends: StreamState[] = []
  let pulls = 0
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++
      clock += 700
      controller.enqueue(new Uint8Array([pulls]))
    },
  })
  const { stream } = meterBody(source, {
    metered: { per: 'second', price: 1_000n },
    ...{ reservation: waiting, stretch: 1_000n, graceMs: 10, now: () => clock },
    async onEnd(state) {
      ends.push(state)
    },
  })
  await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({ code: 'MONEY_RAN_OUT' })
  // Two seconds were paid for; the ten that it waited were not charged.
  expect(ends).toEqual([{ used: 2_000n, held: 2_000n, ended: 'money_ran_out' }])
})

test('behavior: a reader who leaves, and a source that fails, are charged what was passed on', async () => {
  const ends: StreamState[] = []
  const meter = (source: ReadableStream<Uint8Array>) =>
    meterBody(source, {
      metered: { per: 'byte', price: 1n },
      ...{ reservation: moneyOf(1_000n, 0), stretch: 1_000n, graceMs: 0, now: () => 0 },
      async onEnd(state) {
        ends.push(state)
      },
    }).stream
  const reader = meter(sourceOf([10, 10])).getReader()
  await reader.read()
  await reader.cancel()
  let pulled = false
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulled) throw new RangeError('broken')
      pulled = true
      controller.enqueue(new Uint8Array(30))
    },
  })
  await expect(new Response(meter(broken)).arrayBuffer()).rejects.toThrow('broken')
  expect(ends.map(({ used, ended }) => [used, ended])).toEqual([
    [10n, 'left'],
    [30n, 'broke_off'],
  ])
})
