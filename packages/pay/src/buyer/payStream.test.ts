import { expect, test } from 'vitest'
import type { PreparedPayment } from './channelWallet.ts'
import { payStream, type StreamPaying } from './payStream.ts'

/** A payer of 100 units a stretch, and a seller that says that it used `used`, whose books may hold earlier promises. */
function paying({ used, most = null }: { used: bigint; most?: bigint | null }) {
  const parts: bigint[] = []
  let charged: bigint | null = null
  const payment = () =>
    ({
      async done(part: bigint) {
        parts.push(part)
      },
    }) as PreparedPayment
  const options: StreamPaying = {
    ...{ metered: { per: 'byte', price: 1n, units: 1 }, count: null, stretch: 100n, most, idleMs: 10_000 },
    first: payment(),
    prepare: async () => payment(),
    // Slower than the answer comes.
    async send(sent) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      const report = { used: used.toString(), held: used.toString(), ended: 'complete' }
      return sent === null ? Response.json(report) : new Response('')
    },
    onEnd(sum) {
      charged = sum
    },
  }
  return { options, parts, charged: () => charged }
}

test('behavior: what came in one go is promised and paid, however little was promised by then', async () => {
  const { options, parts, charged } = paying({ used: 290n })
  const answer = payStream(new Response('x'.repeat(290)), options)
  expect(await answer.text()).toHaveLength(290)
  expect(charged()).toBe(290n)
  expect(parts).toEqual([100n, 100n, 90n])
})

test('behavior: no more is promised than may be, and no more counts than was promised', async () => {
  const { options, charged } = paying({ used: 290n, most: 250n })
  expect(await payStream(new Response('x'.repeat(290)), options).text()).toHaveLength(290)
  expect(charged()).toBe(200n)
})

test('behavior: a seller that says more than came is believed up to what was promised', async () => {
  const { options, charged } = paying({ used: 10_000n })
  await payStream(new Response('x'.repeat(120)), options).text()
  expect(charged()).toBeLessThanOrEqual(300n)
})
