import { Chacha20Poly1305 } from '@hpke/chacha20poly1305'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chacha20Poly1305 } from './chacha.ts'

const native = chacha20Poly1305()
const portable = new Chacha20Poly1305()
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

test('the cipher of Node and the one in JavaScript seal the same, and open what the other sealed', async () => {
  expect(native).not.toBeInstanceOf(Chacha20Poly1305)
  await fc.assert(
    fc.asyncProperty(
      bytes(32),
      bytes(12),
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 20 }),
      async (key, nonce, text, extra) => {
        const [one, other] = [native.createEncryptionContext(key), portable.createEncryptionContext(key)]
        const sealed = new Uint8Array(await one.seal(nonce, text, extra))
        expect(sealed).toEqual(new Uint8Array(await other.seal(nonce, text, extra)))
        expect(new Uint8Array(await one.open(nonce, sealed, extra))).toEqual(text)
        expect(new Uint8Array(await other.open(nonce, sealed, extra))).toEqual(text)
        sealed[0] = (sealed[0] ?? 0) ^ 1
        await expect(one.open(nonce, sealed, extra)).rejects.toThrow()
      },
    ),
    { numRuns: 50 },
  )
  await expect(
    native
      .createEncryptionContext(new Uint8Array(32))
      .open(new Uint8Array(12), new Uint8Array(15), new Uint8Array()),
  ).rejects.toThrow(RangeError)
})

test('vector of RFC 8439, section 2.8.2', async () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
  const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
  const text = new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  )
  const sealed = await native
    .createEncryptionContext(key)
    .seal(hex('070000004041424344454647'), text, hex('50515253c0c1c2c3c4c5c6c7'))
  expect(Buffer.from(sealed).toString('hex')).toMatch(
    /^d31a8d34648e60db7b86afbc53ef7ec2.*1ae10b594f09e26a7e902ecbd0600691$/,
  )
})
