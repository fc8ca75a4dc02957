import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelInvalid } from './errors.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'

const tensor = fc.tuple(fc.string({ minLength: 1 }), fc.nat(4), fc.nat(4)).chain(([name, rows, columns]) =>
  fc.record({
    name: fc.constant(name),
    shape: fc.constant([rows, columns]),
    values: fc.float32Array({ minLength: rows * columns, maxLength: rows * columns, noNaN: true }),
  }),
)

describe('safetensors', () => {
  test('default: bytes by the format', () => {
    const bytes = writeSafetensors([{ name: 'w', shape: [1, 2], values: Float32Array.of(1, -2) }])
    const header = '{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'
    expect(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE()).toBe(56n)
    expect(Buffer.from(bytes.subarray(8, 64)).toString()).toBe(header)
    expect([...bytes.subarray(64)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
  })

  test('behavior: what was written is read', () => {
    fc.assert(
      fc.property(fc.uniqueArray(tensor, { selector: ({ name }) => name }), (tensors) => {
        fc.pre(
          tensors.every(({ name }) => name !== '__metadata__' && name !== '__proto__' && !/^\d+$/.test(name)),
        )
        expect(readSafetensors(writeSafetensors(tensors), 'f')).toEqual(tensors)
      }),
    )
  })

  test('error: ModelInvalid for any bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          readSafetensors(bytes, 'f')
        } catch (error) {
          expect(error).toBeInstanceOf(ModelInvalid)
        }
      }),
    )
    expect(() => readSafetensors(new Uint8Array(7), 'f')).toThrow('"f": it is cut short.')
  })
})
