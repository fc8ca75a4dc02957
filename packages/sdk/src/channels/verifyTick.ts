import { type Hash, keccak256 } from 'viem'
import { TickInvalidError, TicksTooManyError } from '../errors/channels.ts'
import { maxTicks, type Voucher } from './voucher.ts'

/** A word of a hash chain that is shown as payment. */
export interface Tick {
  readonly word: Hash
  /** Ticks in all that it pays: hashes from the word to the anchor. */
  readonly ticks: number
}

/**
 * Checks that a word pays as many ticks as it says: hashed so often it gives the voucher's anchor. Where an earlier word was
 * checked already only the way to that one is walked.
 *
 * @param tick The word and its number of ticks.
 * @param voucher The voucher whose ticks are spent.
 * @param known An earlier word of the same voucher that was checked.
 * @throws TicksTooManyError | TickInvalidError
 * @example
 * verifyTick({ word, ticks: 18 }, voucher, { word: last, ticks: 17 })
 */
export function verifyTick(tick: Tick, voucher: Voucher, known?: Tick): void {
  const max = Math.min(voucher.maxTicks, maxTicks)
  const { ticks } = tick
  if (!Number.isInteger(ticks) || ticks < 1 || ticks > max) throw new TicksTooManyError({ ticks, max })
  const from = known !== undefined && known.ticks <= ticks ? known : { word: voucher.anchor, ticks: 0 }
  let word = tick.word
  for (let left = ticks - from.ticks; left > 0; left--) word = keccak256(word)
  if (word !== from.word) throw new TickInvalidError({ ticks, anchor: voucher.anchor })
}
