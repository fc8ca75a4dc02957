import { hashVoucher } from '@millrace/sdk'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { domain } from '../../test/offChain.ts'
import { openCurve } from '../curve/openCurve.ts'
import { toHex } from '../curve/words.ts'
import { createVoucherHasher } from './createVoucherHasher.ts'

test('default: the digest of the SDK, for any voucher', async () => {
  const hash = createVoucherHasher(await openCurve(), domain)
  const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
  fc.assert(
    fc.property(
      fc.record({
        channel: word,
        epoch: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        cumulative: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
        anchor: word,
        tickPrice: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        maxTicks: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        terms: word,
      }),
      (voucher) => {
        expect(toHex(hash(voucher))).toBe(hashVoucher(voucher, domain))
      },
    ),
    { numRuns: 200 },
  )
})
