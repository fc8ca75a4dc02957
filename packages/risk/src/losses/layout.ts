import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'
import { normalInverse } from '../maths/normal.ts'
import { checkLoan, type LoanRisk } from './expected.ts'

/** One loan of a book. */
export interface BookLoan extends LoanRisk {
  /** Index of its cluster in {@link Book.clusters}. */
  readonly cluster: number
}

/** Loans that share a cause of default: a hardware generation, a customer, a region. */
export interface Cluster {
  readonly name: string
  /** Correlation ρ of the asset values of two of its loans, of [0, 1). */
  readonly correlation: number
  /** Share w of the cluster's factor that all clusters have in common, of [0, 1]: two of them correlate with √(ρ₁ρ₂w₁w₂). */
  readonly common: number
}

/**
 * A book of loans under a Gaussian copula with one common factor M and one factor per cluster:
 * a loan defaults if `√ρ·(√w·M + √(1−w)·C) + √(1−ρ)·ε < Φ⁻¹(PD)`. Source: Vasicek (2002), with sector factors as in
 * Pykhtin, *Multi-factor adjustment*, Risk (March 2004).
 */
export interface Book {
  readonly loans: readonly BookLoan[]
  readonly clusters: readonly Cluster[]
  /**
   * What a default costs when many default. `constant`: LGD. `downturn`: more in bad times and less in good ones, with the same
   * expected loss; source: Frye and Jacobs, *Credit loss and systematic loss given default*, J. Credit Risk 8 (2012).
   */
  readonly recovery?: 'constant' | 'downturn'
}

/** A book as the simulation reads it: loans of like risk side by side. */
export interface BookLayout {
  readonly loans: number
  /** Φ⁻¹(PD) of each loan, rising within a block. */
  readonly thresholds: Float64Array
  /** What each loan loses at default at the mean LGD. */
  readonly amounts: Float64Array
  /** Exposure of each loan, and how far its conditional loss lies below its conditional default; empty if LGD is constant. */
  readonly exposures: Float64Array
  readonly shifts: Float64Array
  readonly blocks: Int32Array
  readonly blockClusters: Int32Array
  readonly correlations: Float64Array
  readonly commons: Float64Array
}

/** Widest block in conditional standard deviations: within it most candidates are told by the block's two ends alone. */
const blockWidth = 0.15

/** Sorts a book into blocks of like risk. Throws {@link ParameterError}. */
export function layoutBook(book: Book): BookLayout {
  const { clusters } = book
  for (const { correlation, common } of clusters) {
    requireRange('correlation of a cluster', correlation, [0, 1 - Number.EPSILON])
    requireRange('common share of a cluster', common, [0, 1])
  }
  const loans = book.loans
    .map((loan) => {
      checkLoan(loan)
      const cluster = clusters[loan.cluster]
      if (cluster === undefined)
        throw new ParameterError({
          parameter: 'cluster of a loan',
          value: loan.cluster,
          allowed: `the index of one of ${clusters.length} clusters`,
        })
      return { ...loan, correlation: cluster.correlation, threshold: normalInverse(loan.pd) }
    })
    .sort((a, b) => a.cluster - b.cluster || a.threshold - b.threshold)
  const blocks: number[] = []
  const blockClusters: number[] = []
  let first: (typeof loans)[number] | undefined
  for (const [at, loan] of loans.entries()) {
    const width = blockWidth * Math.sqrt(1 - loan.correlation)
    // Thresholds of ±Infinity, of loans that always or never default, differ from each other by NaN: not above the width.
    if (
      first === undefined ||
      first.cluster !== loan.cluster ||
      (loan.threshold !== first.threshold && !(loan.threshold - first.threshold <= width))
    ) {
      blocks.push(at)
      blockClusters.push(loan.cluster)
      first = loan
    }
  }
  const downturn = book.recovery === 'downturn'
  return {
    loans: loans.length,
    thresholds: Float64Array.from(loans, ({ threshold }) => threshold),
    amounts: Float64Array.from(loans, ({ exposure, lgd }) => exposure * lgd),
    exposures: downturn ? Float64Array.from(loans, ({ exposure }) => exposure) : new Float64Array(0),
    shifts: downturn
      ? Float64Array.from(loans, ({ pd, lgd, threshold, correlation }) =>
          pd === 0 ? 0 : (threshold - normalInverse(pd * lgd)) / Math.sqrt(1 - correlation),
        )
      : new Float64Array(0),
    blocks: Int32Array.from([...blocks, loans.length]),
    blockClusters: Int32Array.from(blockClusters),
    correlations: Float64Array.from(clusters, ({ correlation }) => correlation),
    commons: Float64Array.from(clusters, ({ common }) => common),
  }
}
