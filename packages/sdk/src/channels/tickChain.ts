import { type Hash, keccak256 } from 'viem'
import { TicksTooManyError } from '../errors/channels.ts'
import { maxTicks } from './voucher.ts'

/** A hash chain that its maker spends word by word, from the anchor backwards. */
export interface TickChain {
  /** Its last word, which a voucher names. */
  readonly anchor: Hash
  /** Words that can be spent. */
  readonly length: number
  /**
   * The word that pays `ticks` ticks in all.
   *
   * @throws TicksTooManyError beyond the length.
   */
  word(ticks: number): Hash
}

/**
 * Makes a hash chain from a secret; the same secret and length give the same chain, so that only they need to be kept. Words
 * are remembered in steps of about the length's square root: asked for one after the other, each costs one hash or two.
 *
 * @param secret 32 random bytes, fresh for each voucher: who knows them, or a word, knows every later word.
 * @param length Words to spend, 1 to 4096.
 * @returns The chain.
 * @throws TicksTooManyError for a length that no voucher can have.
 * @example
 * const chain = createTickChain(generatePrivateKey(), 1024)
 * const voucher = { ...plain, anchor: chain.anchor, maxTicks: chain.length }
 */
export function createTickChain(secret: Hash, length: number): TickChain {
  if (!Number.isInteger(length) || length < 1 || length > maxTicks)
    throw new TicksTooManyError({ ticks: length, max: maxTicks })
  const step = Math.ceil(Math.sqrt(length))
  // marks[k] is k × step hashes after the secret.
  const marks: Hash[] = []
  let word = secret
  for (let at = 0; at < length; at++) {
    if (at % step === 0) marks.push(word)
    word = keccak256(word)
  }
  const anchor = word
  let section = -1
  let words: Hash[] = []

  return {
    anchor,
    length,
    word(ticks) {
      if (!Number.isInteger(ticks) || ticks < 1 || ticks > length)
        throw new TicksTooManyError({ ticks, max: length })
      const at = length - ticks
      const wanted = Math.floor(at / step)
      if (wanted !== section) {
        words = [marks[wanted] as Hash]
        for (let index = 1; index < step; index++) words.push(keccak256(words[index - 1] as Hash))
        section = wanted
      }
      return words[at - wanted * step] as Hash
    },
  }
}
