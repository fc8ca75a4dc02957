import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chachaBlock, chachaState } from './chacha.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => i)

test('default: the block of RFC 8439 §2.3.2', () => {
  const block = chachaBlock(chachaState(key, 1, [0x09000000, 0x4a000000, 0]), 20)
  expect([...block].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(
    'e4e7f110 15593bd1 1fdd0f50 c47120a3 c7f4d1c7 0368c033 9aaa2204 4e6cd4c3 466482d2 09aa9f07 05d7c214 a2028bd9 d19c12b5 b94e16de e883d0cb 4e3c50a2',
  )
})

test('behavior: with 20 rounds it is the ChaCha20 of another implementation', () => {
  const words = fc.tuple(fc.nat(2 ** 31 - 1), fc.nat(), fc.nat(), fc.nat())
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), words, (secret, [counter, a, b, c]) => {
      const iv = Buffer.from(Uint32Array.of(counter, a, b, c).buffer)
      const stream = createCipheriv('chacha20', secret, iv).update(Buffer.alloc(64))
      const block = chachaBlock(chachaState(secret, counter, [a, b, c]), 20)
      expect(Buffer.from(block.buffer).toString('hex')).toBe(stream.toString('hex'))
    }),
  )
})
