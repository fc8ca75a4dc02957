import type { CallOffer, Price } from '@millrace/pay'
import { UsageError } from '../errors/input.ts'
import { type Currency, formatAmount, parseAmount } from '../output/amounts.ts'

/** The options that name a price, in whole units. */
export interface PriceFlags {
  readonly price?: string
  readonly perSecond?: string
  readonly perMegabyte?: string
  readonly perMillionTokens?: string
  readonly floor?: string
}

/** What an answer can grow by. */
interface Measure {
  readonly flag: 'perSecond' | 'perMegabyte' | 'perMillionTokens'
  readonly option: string
  /** As people say it. */
  readonly unit: string
  readonly per: string
  /** So many of `per` are priced. */
  readonly units: number
  /** What a buyer promises at a time where the seller does not say: `of` over `parts` of what is priced. */
  readonly stretch: { readonly of: bigint; readonly parts: bigint }
}

const measures: readonly Measure[] = [
  {
    ...{ flag: 'perSecond', option: '--per-second', unit: 'second', per: 'second', units: 1 },
    stretch: { of: 10n, parts: 1n },
  },
  {
    ...{ flag: 'perMegabyte', option: '--per-megabyte', unit: 'megabyte', per: 'byte', units: 1_000_000 },
    stretch: { of: 1n, parts: 1n },
  },
  {
    ...{ flag: 'perMillionTokens', option: '--per-million-tokens', unit: 'million tokens', per: 'token' },
    units: 1_000_000,
    // Ten thousand tokens: an answer that does not stream is paid within one stretch, and few are longer.
    stretch: { of: 1n, parts: 100n },
  },
]

/**
 * What a call is sold for, where buyers may haggle; null where `--floor` names nothing.
 *
 * @throws UsageError
 */
export function readFloor({ floor: text }: PriceFlags, price: Price, currency: Currency): CallOffer | null {
  if (text === undefined) return null
  const floor = parseAmount(text, currency)
  if (price.metered !== undefined)
    throw new UsageError({ message: 'Calls are haggled about: `--floor` goes with `--price` alone.' })
  if (floor === 0n || floor >= price.amount)
    throw new UsageError({
      message: `\`--floor\` is the least that a call is sold for, above 0 and below its price of ${formatAmount(price.amount, currency)}.`,
      remedy: 'Name less, or leave it out: then nobody haggles.',
    })
  return { price: price.amount, floor }
}

/** The price that the flags name, and how people say it. */
export function readPrice(
  flags: PriceFlags,
  currency: Currency,
): { readonly price: Price; readonly text: string } {
  const named = measures.filter(({ flag }) => flags[flag] !== undefined)
  const [measure, other] = named
  if (measure !== undefined && other !== undefined)
    throw new UsageError({
      message: `An answer grows by one measure: \`${measure.option}\` and \`${other.option}\` exclude each other.`,
    })
  if (measure === undefined) {
    const amount = parseAmount(requiredOption('--price', flags.price), currency)
    return { price: { amount }, text: `${formatAmount(amount, currency)} a call` }
  }
  const each = parseAmount(flags[measure.flag] ?? '', currency)
  if (each === 0n)
    throw new UsageError({
      message: 'What grows by nothing is free.',
      remedy: 'Leave it out, or name a price.',
    })
  const { unit, per, units, stretch } = measure
  const metered = { per, price: each, units }
  // What a buyer promises at a time: neither so little that it promises without end, nor so much that it fears to.
  const usual = (each * stretch.of + stretch.parts - 1n) / stretch.parts
  const amount = flags.price === undefined ? usual : parseAmount(flags.price, currency)
  if (amount === 0n)
    throw new UsageError({
      message: 'An answer that streams is paid a stretch ahead, and `--price` names one of nothing.',
      remedy: 'Leave it out, or name what a buyer promises at a time.',
    })
  const text = `${formatAmount(each, currency)} a ${unit}, ${formatAmount(amount, currency)} at a time`
  return { price: { amount, metered }, text }
}

/** Throws UsageError where an option was left out. */
export function requiredOption(option: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw new UsageError({ message: `${option} is missing.` })
}
