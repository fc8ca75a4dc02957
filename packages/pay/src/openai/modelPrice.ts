import { InvalidInputError } from '@millrace/sdk'

/** What a model costs, in base units of the currency: a fixed part a call and a part by tokens. */
export interface ModelPrice {
  /** Once a call, due as soon as anything of the answer is delivered. */
  readonly perRequest: bigint
  /** For a million input tokens. */
  readonly perMillionInput: bigint
  /** For a million output tokens. */
  readonly perMillionOutput: bigint
}

const million = 1_000_000n

/**
 * What so many tokens cost. The two parts by tokens are added before the one division, so that a call is rounded once,
 * up, by less than one base unit.
 *
 * @param price Base units.
 * @param tokens Whole numbers of tokens.
 * @returns Base units.
 * @example
 * costUp({ perRequest: 10n, perMillionInput: 150_000n, perMillionOutput: 600_000n }, { input: 12, output: 40 }) // 36n
 */
export function costUp(
  price: ModelPrice,
  tokens: { readonly input: number; readonly output: number },
): bigint {
  const byTokens =
    BigInt(tokens.input) * price.perMillionInput + BigInt(tokens.output) * price.perMillionOutput
  return price.perRequest + (byTokens + million - 1n) / million
}

/**
 * How many output tokens an amount pays for, at most `limit`: the most with `costUp` not above the amount.
 *
 * @param price Base units.
 * @param options `amount` in base units, `input` tokens, and `limit` in tokens.
 * @returns A whole number of tokens; -1 where the amount does not even pay for the input.
 * @example
 * outputPaidDown(price, { amount: 36n, input: 12, limit: 64 }) // 40
 */
export function outputPaidDown(
  price: ModelPrice,
  options: { readonly amount: bigint; readonly input: number; readonly limit: number },
): number {
  const { amount, input, limit } = options
  const left = (amount - price.perRequest) * million - BigInt(input) * price.perMillionInput
  if (left < 0n) return -1
  if (price.perMillionOutput === 0n) return limit
  const paid = left / price.perMillionOutput
  return paid < BigInt(limit) ? Number(paid) : limit
}

/** @throws InvalidInputError if a part is negative. */
export function checkPrice(price: ModelPrice, model: string): void {
  const issues = Object.entries(price)
    .filter(([, amount]) => amount < 0n)
    .map(([path, amount]) => ({ path, message: `${amount} is negative` }))
  if (issues.length > 0) throw new InvalidInputError({ what: `price of model '${model}'`, issues })
}
