import fc from 'fast-check'
import { hashTypedData, hexToBytes, keccak256, recoverAddress, toHex as viemHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { PrivateKeyInvalidError } from './errors.ts'
import { openCurve } from './openCurve.ts'
import { createTypedHasher } from './typedData.ts'
import { fromHex, toHex, writeHex, writeUint } from './words.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const keys = fc.bigInt({ min: 1n, max: order - 1n }).map((key) => viemHex(key, { size: 32 }))
const curves = [await openCurve({ implementation: 'native' }), await openCurve({ implementation: 'noble' })]

describe('default', () => {
  test('the native library is the one that is taken', async () => {
    expect((await openCurve()).implementation).toBe('native')
    expect(curves.map(({ implementation }) => implementation)).toEqual(['native', 'noble'])
  })

  test('hashes as viem does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        for (const curve of curves) expect(toHex(curve.keccak256(data))).toBe(keccak256(data))
      }),
    )
  })

  test.each(curves)('$implementation signs, recovers and names keys as viem does', async (curve) => {
    await fc.assert(
      fc.asyncProperty(keys, bytes(32), async (key, digest) => {
        const account = privateKeyToAccount(key)
        const signature = curve.sign(digest, hexToBytes(key))
        expect(signature).toBe(await account.sign({ hash: toHex(digest) }))
        expect(curve.addressOf(hexToBytes(key))).toBe(account.address.toLowerCase())
        expect(curve.recover(digest, signature)).toBe(account.address.toLowerCase())
        expect(await recoverAddress({ hash: toHex(digest), signature })).toBe(account.address)
      }),
      { numRuns: 20 },
    )
  })

  test('what nobody signed is nobody’s for both, or the same stranger’s', () => {
    fc.assert(
      fc.property(bytes(65), bytes(32), fc.constantFrom(0, 1, 27, 28, 2, 29), (signature, digest, v) => {
        signature[64] = v
        const [native, noble] = curves.map((curve) => curve.recover(digest, toHex(signature)))
        expect(native).toBe(noble)
      }),
      { numRuns: 50 },
    )
  })

  test('typed data hashes as viem does', () => {
    const types = {
      Mail: [
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
      ],
    } as const
    const address = bytes(20).map((each) => toHex(each))
    const hashers = curves.map(createTypedHasher)
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        // viem takes an empty version for none; no token has one.
        fc.string({ minLength: 1 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        address,
        address,
        fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        (name, version, chainId, verifyingContract, to, value) => {
          const domain = { name, version, chainId, verifyingContract }
          for (const hasher of hashers) {
            const words = new Uint8Array(96)
            words.set(hasher.typeHash('Mail(address to,uint256 value)'), 0)
            writeHex(words, 64, to)
            writeUint(words, 96, value)
            expect(toHex(hasher.digest(domain, words))).toBe(
              hashTypedData({ domain, types, primaryType: 'Mail', message: { to, value } }),
            )
          }
        },
      ),
    )
  })
})

describe('behavior: a signature written a second way', () => {
  test.each(curves)('$implementation does not take the high s', (curve) => {
    const key = fromHex(`0x${'42'.repeat(32)}`)
    const digest = curve.keccak256(new Uint8Array([1]))
    const signature = curve.sign(digest, key)
    const s = order - BigInt(`0x${signature.slice(66, 130)}`)
    const v = signature.endsWith('1b') ? '1c' : '1b'
    const twin = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as const
    expect(curve.recover(digest, twin as `0x${string}`)).toBeNull()
    expect(
      curve.recover(digest, `${signature.slice(0, 130)}${v === '1c' ? '00' : '01'}` as `0x${string}`),
    ).toBe(curve.addressOf(key))
    for (const wrong of ['0x', signature.slice(0, 130), `${signature}00`, `${signature.slice(0, 130)}1d`])
      expect(curve.recover(digest, wrong as `0x${string}`)).toBeNull()
  })
})

describe('error: PrivateKeyInvalidError', () => {
  test.each(curves)('$implementation takes no zero, nothing beyond the order, no other length', (curve) => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)]) {
      expect(() => curve.sign(new Uint8Array(32), key)).toThrow(PrivateKeyInvalidError)
      expect(() => curve.addressOf(key)).toThrow(PrivateKeyInvalidError)
    }
  })
})
