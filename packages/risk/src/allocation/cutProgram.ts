/** Weights that are best against the cuts so far, and the value of the program there. */
export interface CutSolution {
  readonly weights: readonly number[]
  readonly bound: number
}

/** A linear program that grows by cuts. */
export interface CutProgram {
  /** Adds a cut and solves again; `null` if numbers of this size cannot tell the next step. */
  readonly add: (cut: readonly number[]) => CutSolution | null
}

type ColumnKind = 'cut' | 'slack' | 'cap' | 'sumUp' | 'sumDown' | 'return'
interface Column {
  readonly kind: ColumnKind
  readonly cost: number
  /** Entries in the rows: the first says that the parts of the cuts are one, the others stand for a weight each. */
  readonly entries: Float64Array
}

const tiny = 1e-11

/**
 * `min θ` with `θ ≥ cutₖ·x`, `Σx = 1`, `0 ≤ x ≤ caps` and, if asked, `means·x ≥ least`. Solved as its dual, whose columns are the cuts: `max ν − caps·u + least·η`
 * with `Σλ = 1` and `ν − Σλₖcutₖ − u + η·means ≤ 0`, by the revised simplex method (Dantzig and Thapa, *Linear Programming 1*, § 4.7), so that a new cut is a new
 * column and the basis is kept. Multipliers of the rows are the weights. It is degenerate almost everywhere: after steps that gain nothing, Bland's rule.
 *
 * @internal
 */
export function createCutProgram(options: {
  readonly caps: readonly number[]
  readonly returns: { readonly means: readonly number[]; readonly least: number } | null
}): CutProgram {
  const { caps, returns } = options
  const rows = caps.length + 1
  const columns: Column[] = []
  const basis: number[] = []
  /** Inverse of the basis, row by row, and the values of its columns. */
  let inverse: Float64Array[] = []
  let values = new Float64Array(rows)

  const column = (kind: ColumnKind, cost: number, entry: (row: number) => number) =>
    columns.push({ kind, cost, entries: Float64Array.from({ length: rows }, (_, row) => entry(row)) }) - 1

  function begin(cut: readonly number[]): void {
    const first = column('cut', 0, (row) => (row === 0 ? 1 : -(cut[row - 1] ?? 0)))
    const slacks = caps.map((_, at) => column('slack', 0, (row) => (row === at + 1 ? 1 : 0)))
    const capped = caps.map((cap, at) => column('cap', -cap, (row) => (row === at + 1 ? -1 : 0)))
    column('sumUp', 1, (row) => (row === 0 ? 0 : 1))
    column('sumDown', -1, (row) => (row === 0 ? 0 : -1))
    if (returns !== null)
      column('return', returns.least, (row) => (row === 0 ? 0 : (returns.means[row - 1] ?? 0)))
    // All weight on the first cut; what a row is above or below zero then, its slack or its cap takes.
    basis.push(first)
    for (const [at, value] of cut.entries()) basis.push((value >= 0 ? slacks[at] : capped[at]) ?? 0)
    refactor()
  }

  /** Inverts the basis anew, so that rounding does not pile up. */
  function refactor(): boolean {
    const work = basis.map((_, row) =>
      Float64Array.from({ length: 2 * rows }, (__, at) =>
        at < rows ? (columns[basis[at] ?? 0]?.entries[row] ?? 0) : at - rows === row ? 1 : 0,
      ),
    )
    for (let at = 0; at < rows; at++) {
      let pivot = at
      for (let row = at + 1; row < rows; row++)
        if (Math.abs(work[row]?.[at] ?? 0) > Math.abs(work[pivot]?.[at] ?? 0)) pivot = row
      const [upper, lower] = [work[at], work[pivot]]
      if (upper === undefined || lower === undefined || Math.abs(lower[at] ?? 0) < tiny) return false
      work[at] = lower
      work[pivot] = upper
      eliminate(work, at, at)
    }
    inverse = work.map((row) => row.slice(rows))
    values = Float64Array.from(inverse, (row) => Math.max(0, row[0] ?? 0))
    return true
  }

  /** Multipliers of the rows. */
  function multipliers(): Float64Array {
    const y = new Float64Array(rows)
    for (const [row, at] of basis.entries()) {
      const cost = columns[at]?.cost ?? 0
      if (cost === 0) continue
      const line = inverse[row]
      for (let i = 0; i < rows; i++) y[i] = (y[i] ?? 0) + cost * (line?.[i] ?? 0)
    }
    return y
  }

  /** The column that gains most by entering, or the first that gains; -1 if none does. */
  function entering(y: Float64Array, isCareful: boolean): number {
    const inBasis = new Set(basis)
    let chosen = -1
    let most = 1e-10
    for (const [at, { cost, entries }] of columns.entries()) {
      if (inBasis.has(at)) continue
      let gain = cost
      for (let i = 0; i < rows; i++) gain -= (y[i] ?? 0) * (entries[i] ?? 0)
      if (gain <= most) continue
      chosen = at
      most = gain
      if (isCareful) break
    }
    return chosen
  }

  /** Brings a column into the basis; how much it took, or `null` if nothing bounds it. */
  function enter(at: number): number | null {
    const entries = columns[at]?.entries ?? new Float64Array(rows)
    const direction = Float64Array.from(inverse, (line) =>
      line.reduce((sum, value, i) => sum + value * (entries[i] ?? 0), 0),
    )
    let leaving = -1
    let least = Number.POSITIVE_INFINITY
    for (let row = 0; row < rows; row++) {
      const step = direction[row] ?? 0
      if (step <= 1e-10) continue
      const ratio = (values[row] ?? 0) / step
      const isTie = Math.abs(ratio - least) <= tiny
      if (isTie ? (basis[row] ?? 0) < (basis[leaving] ?? 0) : ratio < least) {
        leaving = row
        least = Math.min(ratio, least)
      }
    }
    if (leaving < 0) return null
    const work = inverse.map((line, row) =>
      Float64Array.from([...line, values[row] ?? 0, direction[row] ?? 0]),
    )
    eliminate(work, leaving, rows + 1)
    inverse = work.map((line) => line.slice(0, rows))
    values = Float64Array.from(work, (line) => Math.max(0, line[rows] ?? 0))
    basis[leaving] = at
    return least
  }

  function solve(): CutSolution | null {
    let idle = 0
    for (let step = 0; step < 200 * rows; step++) {
      if (step % 64 === 63 && !refactor()) return null
      const y = multipliers()
      const at = entering(y, idle > 2 * rows)
      if (at < 0) {
        const weights = Array.from(y.slice(1), (weight, index) =>
          Math.min(caps[index] ?? 1, Math.max(0, weight)),
        )
        const sum = weights.reduce((total, weight) => total + weight, 0)
        return { weights: weights.map((weight) => weight / sum), bound: y[0] ?? 0 }
      }
      const gained = enter(at)
      if (gained === null) return null
      idle = gained > tiny ? 0 : idle + 1
    }
    return null
  }
  return {
    add: (cut) => {
      if (basis.length === 0) begin(cut)
      else column('cut', 0, (row) => (row === 0 ? 1 : -(cut[row - 1] ?? 0)))
      return solve()
    },
  }
}

/** Makes column `at` a unit with its one in `row`. */
function eliminate(work: Float64Array[], row: number, at: number): void {
  const line = work[row]
  if (line === undefined) return
  const pivot = line[at] ?? 1
  for (let i = 0; i < line.length; i++) line[i] = (line[i] ?? 0) / pivot
  for (const [other, values] of work.entries()) {
    const factor = values[at] ?? 0
    if (other === row || factor === 0) continue
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - factor * (line[i] ?? 0)
  }
}
