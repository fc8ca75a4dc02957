import { HaggleStrategyError } from '../errors/haggling.ts'
import { between, type Strategy } from './strategy.ts'

/**
 * Makes a strategy that concedes in the proportion in which the other side last conceded.
 *
 * @param options First price and reservation in base units; no proposal leaves the range between them.
 * @returns The strategy.
 * @throws HaggleStrategyError if a price is negative.
 * @see P. Faratin, C. Sierra, N. R. Jennings (1998), §4.3: relative tit-for-tat with δ = 1.
 * @example
 * const strategy = titForTat({ first: 1_000_000n, reservation: 600_000n })
 */
export function titForTat(options: { readonly first: bigint; readonly reservation: bigint }): Strategy {
  const { first, reservation } = options
  if (first < 0n || reservation < 0n)
    throw new HaggleStrategyError({
      reason: `a price is negative (first ${first}, reservation ${reservation})`,
    })
  return ({ own, other }) => {
    const [mine, before, after] = [own.at(-1), other.at(-2), other.at(-1)]
    if (mine === undefined) return first
    if (before === undefined || after === undefined || after === 0n) return mine
    return between((mine * before) / after, first, reservation)
  }
}
