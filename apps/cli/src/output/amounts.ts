import { formatUnits, parseUnits } from 'viem'
import { AmountInvalidError } from '../errors/input.ts'

/** A token's name and how many decimals its base unit has. */
export interface Currency {
  readonly address: `0x${string}`
  readonly symbol: string
  readonly decimals: number
}

/** An amount with its currency's name, at least two decimals: `0.36 TUSD`. */
export const formatAmount = (amount: bigint, { decimals, symbol }: Currency): string =>
  `${formatDecimal(amount, decimals)} ${symbol}`

/** An amount in whole units, at least two decimals. */
export function formatDecimal(amount: bigint, decimals: number): string {
  const [whole = '0', fraction = ''] = formatUnits(amount, decimals).split('.')
  return `${whole}.${fraction.padEnd(2, '0')}`
}

/**
 * Reads an amount in whole units, `12.5`, into base units.
 *
 * @throws AmountInvalidError if it is none or has more decimals than the currency.
 */
export function parseAmount(text: string, { decimals, symbol }: Currency): bigint {
  const match = /^(\d{1,60})(?:\.(\d+?)0*)?$/.exec(text.trim())
  const [, whole = '', fraction = ''] = match ?? []
  const digits = fraction === '0' ? '' : fraction
  if (match === null || digits.length > decimals) throw new AmountInvalidError({ text, decimals, symbol })
  return parseUnits(`${whole}.${digits}`, decimals)
}
