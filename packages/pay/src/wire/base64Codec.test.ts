import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fastBase64, portableBase64 } from './base64Codec.ts'

test('default: both write the same, and read it back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = portableBase64.encode(bytes)
      expect(fastBase64?.encode(bytes)).toBe(text)
      for (const codec of [portableBase64, fastBase64])
        expect(Uint8Array.from(codec?.decode(text) ?? [])).toEqual(bytes)
    }),
  )
})

test('behavior: both refuse and read the same, cut and badly padded text too', () => {
  const text = fc.stringMatching(/^[A-Za-z0-9+/]{0,24}={0,2}$/)
  fc.assert(
    fc.property(text, (cut) => {
      const slow = portableBase64.decode(cut)
      const fast = fastBase64?.decode(cut) ?? null
      expect(fast === null ? null : [...fast]).toEqual(slow === null ? null : [...slow])
    }),
    { numRuns: 1_000 },
  )
  for (const cut of ['a', 'ab=', 'abc==', 'abcde', '=', '==', 'abcd='])
    expect(fastBase64?.decode(cut)).toBeNull()
})
