import { bytesToHex, type Hex } from 'viem'
import { checkVectors, createExpander } from './createExpander.ts'
import { vectorCount } from './generator.ts'
import { hashRow, merkleRoot } from './merkle.ts'
import { decodeOpening, openingSize } from './opening.ts'
import { residualTolerance } from './tolerance.ts'

/** Why an opening does not prove the product. */
export type OpeningProblem =
  | { readonly code: 'SIZE'; readonly message: string }
  | { readonly code: 'PRODUCT_WRONG'; readonly message: string }
  | { readonly code: 'ROW_NOT_COMMITTED'; readonly message: string }
  | { readonly code: 'ROW_WRONG'; readonly message: string }

/** What the check of one unit found. */
export interface OpeningVerdict {
  readonly problems: readonly OpeningProblem[]
  /** Largest residual over the tolerance; an honest machine stays far below 1. */
  readonly residual: number
}

/** One unit's commitment and what it opened. */
export interface OpeningToVerify {
  readonly n: number
  readonly seed: Hex
  readonly unit: number
  /** Merkle root of C's rows as committed before r was known. */
  readonly root: Hex
  readonly r: Hex
  readonly rows: readonly number[]
  /** As `encodeOpening` writes it. */
  readonly body: Uint8Array
}

/**
 * Checks C = A·B by Freivalds' method: A·(B·r) against the claimed C·r in every row, the opened rows against the root,
 * and each opened row times r against A·(B·r). The first finds what a faulty machine got wrong anywhere; the other
 * two what a cheating one never computed, since A·(B·r) alone costs it n² once r is known.
 *
 * Costs 2n² generated entries and 16n² additions and multiplications; yields to the event loop every few milliseconds.
 *
 * @param input Commitment, seeds and answer.
 * @returns Problems, none when the product is proven, and the largest residual in units of the tolerance.
 * @example
 * const { problems, residual } = await verifyOpening({ n, seed, unit: 0, root, r, rows, body })
 */
export async function verifyOpening(input: OpeningToVerify): Promise<OpeningVerdict> {
  const { n, rows, body } = input
  const size = openingSize(n, rows)
  if (body.length !== size) {
    const message = `The answer has ${body.length} bytes where ${size} are needed.`
    return { problems: [{ code: 'SIZE', message }], residual: Number.POSITIVE_INFINITY }
  }
  const opening = decodeOpening(body, n, rows)
  const tolerance = residualTolerance(n)
  const expander = await createExpander(input)
  const r = checkVectors(input.r, n)
  expander.setVectors(r)

  // What lies outside the generated matrices goes first, while r is the expander's vector.
  const opened = opening.rows.map((row) => Float64Array.from(expander.times(new Float32Array(row.buffer))))
  const inner = new Float64Array(vectorCount * n)
  const turn = createTurn()
  for (let i = 0; i < n; i++) {
    expander.rowTimes('b', i).forEach((value, t) => {
      inner[t * n + i] = value
    })
    await turn()
  }
  expander.setVectors(inner)

  const problems: OpeningProblem[] = []
  let residual = 0
  let wrong = 0
  let firstWrong = -1
  const exactRows = new Map(rows.map((row) => [row, new Float64Array(vectorCount)]))
  for (let i = 0; i < n; i++) {
    const exact = expander.rowTimes('a', i)
    exactRows.get(i)?.set(exact)
    const off = farthest(exact, opening.product.subarray(vectorCount * i, vectorCount * (i + 1))) / tolerance
    residual = Math.max(residual, off)
    if (off > 1 && wrong++ === 0) firstWrong = i
    await turn()
  }
  if (wrong > 0) {
    problems.push({
      code: 'PRODUCT_WRONG',
      message: `C·r is wrong in ${wrong} of ${n} rows, first in row ${firstWrong}.`,
    })
  }
  for (const [place, row] of rows.entries()) {
    const bytes = opening.rows[place] ?? new Uint8Array()
    const siblings = opening.proofs[place] ?? []
    const root = bytesToHex(merkleRoot({ leaf: hashRow(bytes), index: row, count: n, siblings }))
    if (root !== input.root.toLowerCase()) {
      problems.push({ code: 'ROW_NOT_COMMITTED', message: `Row ${row} is not the one that was committed.` })
    }
    const off =
      farthest(exactRows.get(row) ?? new Float64Array(), opened[place] ?? new Float64Array()) / tolerance
    residual = Math.max(residual, off)
    if (off > 1) problems.push({ code: 'ROW_WRONG', message: `Row ${row} of C is not the row of A·B.` })
  }
  return { problems, residual }
}

/** The largest distance; infinite where a value is no number. */
function farthest(a: Float64Array, b: Float64Array): number {
  let most = 0
  for (const [i, value] of a.entries()) {
    const distance = Math.abs(value - (b[i] ?? Number.NaN))
    most = distance <= most ? most : Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
  }
  return most
}

/** Lets others run now and then: after each 10 ms of work. */
function createTurn(): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < 10) return undefined
    return new Promise((resolve) =>
      setTimeout(() => {
        since = performance.now()
        resolve()
      }, 0),
    )
  }
}
