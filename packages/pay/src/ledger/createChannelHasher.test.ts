import { hashChannel, hashVoucher } from '@millrace/sdk'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { domain } from '../../test/offChain.ts'
import { openCurve } from '../curve/openCurve.ts'
import { toHex } from '../curve/words.ts'
import { createChannelHasher } from './createChannelHasher.ts'

test('default: the digests of the SDK, for any channel and voucher in any order', async () => {
  const hasher = createChannelHasher(await openCurve(), domain)
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
  const bits = (width: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(width) - 1n })
  fc.assert(
    fc.property(
      fc.record({
        ...{ payer: bytes(20), signer: bytes(20), payee: bytes(20), asset: bits(256), currency: bytes(20) },
        ...{ closeDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }), salt: bytes(32) },
      }),
      fc.record({
        ...{ channel: bytes(32), epoch: bits(64), cumulative: bits(128), anchor: bytes(32) },
        ...{ tickPrice: bits(64), maxTicks: fc.integer({ min: 0, max: 2 ** 32 - 1 }), terms: bytes(32) },
      }),
      (channel, voucher) => {
        expect(hasher.channel(channel)).toBe(hashChannel(channel, domain))
        expect(toHex(hasher.voucher(voucher))).toBe(hashVoucher(voucher, domain))
      },
    ),
    { numRuns: 200 },
  )
})
