import { parseUnits } from 'viem'
import { UsageError } from '../errors/input.ts'

/**
 * Reads a percentage, `12.5`, into hundredths of a percent.
 *
 * @throws UsageError
 */
export function parseBps(text: string, flag: string, most = 10_000): number {
  return parsePart({ text, flag, decimals: 2, most })
}

/**
 * Reads a percentage a year into parts per million.
 *
 * @throws UsageError
 */
export function parseRate(text: string, flag: string): number {
  return parsePart({ text, flag, decimals: 4, most: 2 ** 24 - 1 })
}

function parsePart(of: {
  readonly text: string
  readonly flag: string
  readonly decimals: number
  readonly most: number
}): number {
  const { text, flag, decimals, most } = of
  const match = /^(\d{1,7})(?:\.(\d+))?\s*%?$/.exec(text.trim())
  const [, whole = '', fraction = ''] = match ?? []
  const value = Number(`${whole}${fraction.padEnd(decimals, '0')}`)
  if (match === null || fraction.length > decimals || value > most)
    throw new UsageError({
      message: `'${text}' is no percentage for ${flag}.`,
      remedy: `Give a number from 0 to ${most / 10 ** decimals} with at most ${decimals} decimals.`,
    })
  return value
}

/** A part in ten-thousandths for people: `12.5 %`. */
export const formatBps = (bps: number): string => `${bps / 100} %`
/** A rate in parts per million for people: `14 %`. */
export const formatRate = (rate: number): string => `${rate / 10_000} %`

/**
 * Reads a number of whole shares.
 *
 * @throws UsageError
 */
export function readShares(text: string, decimals: number): bigint {
  const match = /^\d{1,30}(?:\.(\d{1,30}))?$/.exec(text)
  if (match === null || (match[1] ?? '').length > decimals)
    throw new UsageError({
      message: `'${text}' is no number of shares.`,
      remedy: `Give whole shares with at most ${decimals} decimals, or all.`,
    })
  return parseUnits(text, decimals)
}
