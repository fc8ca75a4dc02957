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

/** @throws InvalidInputError if a part is negative. */
export function checkPrice(price: ModelPrice, model: string): void {
  const issues = Object.entries(price)
    .filter(([, amount]) => amount < 0n)
    .map(([path, amount]) => ({ path, message: `${amount} is negative` }))
  if (issues.length > 0) throw new InvalidInputError({ what: `price of model '${model}'`, issues })
}
