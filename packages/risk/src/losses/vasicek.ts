import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'
import { bivariateNormalCdf, normalCdf, normalInverse } from '../maths/normal.ts'

/** A large homogeneous book: many small loans, one factor. */
export interface LargeBook {
  /** Probability of default over the horizon, of (0, 1). */
  readonly pd: number
  /** Correlation of the loans' asset values, of (0, 1); 0.25 to 0.5 for machines of one kind. */
  readonly correlation: number
}

/**
 * Probability of default given that the common factor ends at `factor` standard deviations (negative is bad):
 * `Φ((Φ⁻¹(PD) − √ρ·z)/√(1−ρ))`. Source: Vasicek, *Loan portfolio value*, Risk (December 2002). Throws {@link ParameterError}.
 *
 * @example
 * conditionalPd({ pd: 0.08, correlation: 0.3 }, -2.326) // 0.44
 */
export function conditionalPd(book: LargeBook, factor: number): number {
  checkBook(book)
  return normalCdf(
    (normalInverse(book.pd) - Math.sqrt(book.correlation) * factor) / Math.sqrt(1 - book.correlation),
  )
}

/**
 * Probability that at most `share` of a large homogeneous book defaults:
 * `Φ((√(1−ρ)·Φ⁻¹(x) − Φ⁻¹(PD))/√ρ)`. Source: Vasicek (2002). Throws {@link ParameterError}.
 *
 * @example
 * vasicekCdf({ pd: 0.08, correlation: 0.3 }, 0.2) // 0.90
 */
export function vasicekCdf(book: LargeBook, share: number): number {
  checkBook(book)
  requireRange('share of defaults', share, [0, 1])
  return normalCdf(
    (Math.sqrt(1 - book.correlation) * normalInverse(share) - normalInverse(book.pd)) /
      Math.sqrt(book.correlation),
  )
}

/**
 * Share of a large homogeneous book whose defaults are not exceeded with probability `confidence`:
 * `Φ((Φ⁻¹(PD) + √ρ·Φ⁻¹(q))/√(1−ρ))`. Times LGD it is the loss that capital must bear. Sources: Vasicek (2002); Gordy,
 * *A risk-factor model foundation for ratings-based bank capital rules*, J. Financial Intermediation 12 (2003).
 * Throws {@link ParameterError}.
 *
 * @example
 * vasicekQuantile({ pd: 0.08, correlation: 0.3 }, 0.99) // 0.44
 */
export function vasicekQuantile(book: LargeBook, confidence: number): number {
  requireRange('confidence', confidence, [0, 1])
  return conditionalPd(book, -normalInverse(confidence))
}

/** A slice of the losses of a book, as shares of it. */
export interface TrancheShare {
  /** Losses up to here are borne by those below, of [0, 1). */
  readonly attach: number
  /** Losses beyond here are borne by those above, of (attach, 1]. */
  readonly detach: number
}

/**
 * Expected loss of a tranche of a large homogeneous book, as a share of the tranche. With `K = k/LGD`,
 * `E[(X − K)⁺] = Φ₂(−Φ⁻¹(K), Φ⁻¹(PD); −√(1−ρ))` for the share X of defaults. Source: O'Kane, *Modelling Single-name and
 * Multi-name Credit Derivatives* (2008), ch. 16. Throws {@link ParameterError}.
 *
 * @example
 * vasicekTrancheLoss({ pd: 0.08, correlation: 0.3, lgd: 0.45 }, { attach: 0.2, detach: 1 })
 */
export function vasicekTrancheLoss(
  book: LargeBook & { readonly lgd: number },
  { attach, detach }: TrancheShare,
): number {
  checkBook(book)
  const lgd = requireRange('loss given default', book.lgd, [0, 1])
  requireRange('lower end of the tranche', attach, [0, 1])
  if (!(detach > attach && detach <= 1))
    throw new ParameterError({
      parameter: 'upper end of the tranche',
      value: detach,
      allowed: `above ${attach} and at most 1`,
    })
  /** Expected loss beyond `k` of the book. */
  const beyond = (k: number): number => {
    if (k >= lgd) return 0
    if (k === 0) return lgd * book.pd
    return (
      lgd *
      bivariateNormalCdf({
        x: -normalInverse(k / lgd),
        y: normalInverse(book.pd),
        correlation: -Math.sqrt(1 - book.correlation),
      })
    )
  }
  return Math.max(0, beyond(attach) - beyond(detach)) / (detach - attach)
}

function checkBook({ pd, correlation }: LargeBook): void {
  const open = [Number.MIN_VALUE, 1 - Number.EPSILON] as const
  requireRange('probability of default', pd, open)
  requireRange('correlation', correlation, open)
}
