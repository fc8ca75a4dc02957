import { encodeErrorResult, HttpRequestError, zeroAddress, zeroHash } from 'viem'
import { describe, expect, test } from 'vitest'
import { contractErrors, decodeRevert } from './decodeRevert.ts'
import { MillraceError } from './MillraceError.ts'
import { revertSentences } from './revertSentences.ts'
import { ChainUnreachableError, RevertError } from './transaction.ts'

const sampleOf = (type: string): unknown => {
  if (type === 'address') return zeroAddress
  if (type === 'bytes32') return zeroHash
  if (type === 'string') return 'text'
  if (type === 'bytes') return '0x1234'
  if (type === 'bytes4') return '0x12345678'
  if (type === 'bool') return true
  return /^u?int(8|16|32|40|48)$/.test(type) ? 1 : 1n
}

describe('default', () => {
  test('every custom error of the contracts has a sentence that names only its values', () => {
    for (const { name, inputs } of contractErrors) {
      const sentence = revertSentences[name]
      expect(sentence, `no sentence for ${name}(${inputs.map((input) => input.name)})`).toBeDefined()
      const named = [...(sentence?.[0] ?? '').matchAll(/\{(\w+)\}/g)].map(([, key]) => key)
      expect(inputs.map((input) => input.name)).toEqual(expect.arrayContaining(named))
    }
  })

  test('no sentence is left over', () => {
    const names = new Set(contractErrors.map(({ name }) => name))
    expect(Object.keys(revertSentences).filter((name) => !names.has(name))).toEqual([])
  })

  test('every error is decoded from its data, alone or deep inside a cause', () => {
    for (const item of contractErrors) {
      const args = item.inputs.map(({ type }) => sampleOf(type))
      const data = encodeErrorResult({ abi: [item], errorName: item.name, args })
      for (const thrown of [data, { cause: { cause: { data } } }, { cause: { data: { data } } }]) {
        const error = decodeRevert(thrown)
        expect(error).toBeInstanceOf(RevertError)
        expect(error).toMatchObject({ revert: { name: item.name } })
        expect((error as RevertError).message).not.toMatch(/[{}]|undefined/)
        expect((error as RevertError).code).toMatch(/^[A-Z0-9]+(_[A-Z0-9]+)*$/)
      }
    }
  })
})

describe('behavior: what is no revert', () => {
  test('ours stay, strangers stay, dead chains are named', () => {
    const ours = new MillraceError({ code: 'X', message: 'x' })
    expect(decodeRevert(ours)).toBe(ours)
    const other = new RangeError('other')
    expect(decodeRevert(other)).toBe(other)
    const dead = new HttpRequestError({ url: 'http://127.0.0.1:1', details: 'refused' })
    expect(decodeRevert(dead)).toBeInstanceOf(ChainUnreachableError)
  })

  test('plain and compiler-made reverts', () => {
    const solidity = [
      { type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] },
      { type: 'error', name: 'Panic', inputs: [{ name: 'code', type: 'uint256' }] },
    ] as const
    const reason = encodeErrorResult({ abi: solidity, errorName: 'Error', args: ['no'] })
    expect(decodeRevert(reason)).toMatchObject({ message: 'The contract refused: no.' })
    const panic = encodeErrorResult({ abi: solidity, errorName: 'Panic', args: [17n] })
    expect(decodeRevert(panic)).toMatchObject({ message: 'The contract failed with panic code 17.' })
  })
})
