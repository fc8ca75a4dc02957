import { ModelInvalid } from './errors.ts'

/** A named array of 32-bit floats with its shape. */
export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/**
 * Writes tensors in the safetensors format: 8 bytes little-endian header length, JSON header padded with spaces to
 * a multiple of 8, then the values, little-endian, without gaps.
 */
export function writeSafetensors(tensors: readonly NamedTensor[]): Uint8Array {
  const header: Record<string, { dtype: 'F32'; shape: readonly number[]; data_offsets: [number, number] }> =
    {}
  let offset = 0
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] }
    offset += values.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(8 + length + offset).fill(0x20, 8, 8 + length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(length), true)
  bytes.set(json, 8)
  let at = 8 + length
  for (const { values } of tensors) {
    for (const value of values) {
      view.setFloat32(at, value, true)
      at += 4
    }
  }
  return bytes
}

/**
 * Reads 32-bit float tensors from the safetensors format.
 * @param file Name for error messages.
 * @throws ModelInvalid
 */
export function readSafetensors(bytes: Uint8Array, file: string): readonly NamedTensor[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.NaN
  const start = 8 + length
  if (!(start <= bytes.length)) throw new ModelInvalid(file, 'it is cut short')
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)))
  } catch (cause) {
    throw new ModelInvalid(file, 'its header is not JSON', cause)
  }
  if (typeof header !== 'object' || header === null) throw new ModelInvalid(file, 'its header is no object')
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>
      if (dtype !== 'F32' || !isCounts(shape) || !isCounts(offsets)) {
        throw new ModelInvalid(file, `tensor "${name}" is not described as 32-bit floats with a shape`)
      }
      const [from = 0, to = 0] = offsets
      const count = shape.reduce((product, side) => product * side, 1)
      if (to - from !== 4 * count || start + to > bytes.length) {
        throw new ModelInvalid(file, `tensor "${name}" does not fill its shape`)
      }
      return {
        name,
        shape,
        values: Float32Array.from({ length: count }, (_, i) => view.getFloat32(start + from + 4 * i, true)),
      }
    })
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}
