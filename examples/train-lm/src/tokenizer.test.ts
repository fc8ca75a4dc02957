import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTokenizer, decode, encode } from './tokenizer.ts'

const text = 'the till pays the fee, the till pays the owner; 12 tills, the end. '.repeat(4)
const tokenizer = buildTokenizer(text, 40)

describe('tokenizer', () => {
  test('default: frequent pairs become tokens, and text comes back as it was', () => {
    expect(tokenizer.tokens).toContain(' the')
    expect(tokenizer.tokens.length).toBe(40)
    expect(encode(tokenizer, text).length).toBeLessThan(text.length / 2)
    const letters = tokenizer.tokens.slice(1, tokenizer.tokens.length - tokenizer.merges.length)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...letters)), (characters) => {
        const given = characters.join('')
        expect(decode(tokenizer, encode(tokenizer, given))).toBe(given)
      }),
    )
  })

  test('behavior: a character that was never or seldom seen becomes the stand-in, whole even outside the BMP', () => {
    expect([...encode(tokenizer, '☃')]).toEqual([0])
    expect(decode(tokenizer, encode(tokenizer, 'the 😀'))).toBe('the \ufffd')
  })

  test('behavior: the same text gives the same tokens, and no more than it has pairs for', () => {
    expect(buildTokenizer(text, 40)).toEqual(tokenizer)
    const few = buildTokenizer('aaaa bbbb', 500)
    expect(few.tokens.length).toBeLessThan(10)
  })
})
