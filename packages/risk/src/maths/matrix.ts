import { MatrixError } from '../errors/RiskError.ts'

/** A matrix as rows. */
export type Matrix = readonly (readonly number[])[]

/** Eigenvalues, falling, and the unit eigenvector of each. */
export interface Eigen {
  readonly values: readonly number[]
  /** `vectors[k]` belongs to `values[k]`. */
  readonly vectors: Matrix
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix. Source: Jacobi's cyclic rotations, as in Golub and Van Loan,
 * *Matrix Computations*, § 8.5. Throws {@link MatrixError} if the matrix is not square, finite and symmetric.
 */
export function symmetricEigen(matrix: Matrix, name = 'matrix'): Eigen {
  requireSymmetric(matrix, name)
  const n = matrix.length
  const a = matrix.map((row) => [...row])
  const v = identity(n).map((row) => [...row])
  const at = (m: number[][], i: number, j: number) => m[i]?.[j] ?? 0
  const rotate = (
    m: number[][],
    p: readonly [number, number],
    q: readonly [number, number],
    [s, tau]: [number, number],
  ) => {
    const g = at(m, p[0], p[1])
    const h = at(m, q[0], q[1])
    const first = m[p[0]]
    const second = m[q[0]]
    if (first === undefined || second === undefined) return
    first[p[1]] = g - s * (h + g * tau)
    second[q[1]] = h + s * (g - h * tau)
  }
  const size = Math.sqrt(a.flat().reduce((sum, value) => sum + value * value, 0))
  for (let sweep = 0; sweep < 100; sweep++) {
    let off = 0
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) off += at(a, i, j) ** 2
    if (Math.sqrt(off) <= 1e-15 * size) break
    for (let i = 0; i < n - 1; i++)
      for (let j = i + 1; j < n; j++) {
        const value = at(a, i, j)
        if (value === 0) continue
        const theta = (at(a, j, j) - at(a, i, i)) / (2 * value)
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const s = t * c
        const step: [number, number] = [s, s / (1 + c)]
        const [first, second] = [a[i], a[j]]
        if (first === undefined || second === undefined) continue
        first[i] = at(a, i, i) - t * value
        second[j] = at(a, j, j) + t * value
        first[j] = 0
        for (let k = 0; k < i; k++) rotate(a, [k, i], [k, j], step)
        for (let k = i + 1; k < j; k++) rotate(a, [i, k], [k, j], step)
        for (let k = j + 1; k < n; k++) rotate(a, [i, k], [j, k], step)
        for (let k = 0; k < n; k++) rotate(v, [k, i], [k, j], step)
      }
  }
  const order = Array.from({ length: n }, (_, k) => k).sort((i, j) => at(a, j, j) - at(a, i, i))
  return {
    values: order.map((k) => at(a, k, k)),
    vectors: order.map((k) => v.map((row) => row[k] ?? 0)),
  }
}

/** The symmetric square root of a positive definite matrix, and its inverse. Throws {@link MatrixError}. */
export function symmetricRoot(
  matrix: Matrix,
  name = 'matrix',
): { readonly root: Matrix; readonly inverse: Matrix } {
  const { values, vectors } = symmetricEigen(matrix, name)
  const largest = values[0] ?? 0
  const least = values.at(-1) ?? 0
  if (!(least > largest * 1e-12))
    throw new MatrixError({ matrix: name, problem: `is not positive definite: an eigenvalue is ${least}` })
  const build = (of: (value: number) => number): Matrix =>
    matrix.map((_, i) =>
      matrix.map((__, j) =>
        values.reduce(
          (sum, value, k) => sum + of(value) * (vectors[k]?.[i] ?? 0) * (vectors[k]?.[j] ?? 0),
          0,
        ),
      ),
    )
  return { root: build(Math.sqrt), inverse: build((value) => 1 / Math.sqrt(value)) }
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const columns = b[0]?.length ?? 0
  return a.map((row) =>
    Array.from({ length: columns }, (_, j) =>
      row.reduce((sum, value, k) => sum + value * (b[k]?.[j] ?? 0), 0),
    ),
  )
}

export function multiplyVector(a: Matrix, vector: readonly number[]): readonly number[] {
  return a.map((row) => row.reduce((sum, value, k) => sum + value * (vector[k] ?? 0), 0))
}

export function identity(n: number): Matrix {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)))
}

/** Throws {@link MatrixError} unless the matrix is square, finite and symmetric. */
export function requireSymmetric(matrix: Matrix, name: string): void {
  const n = matrix.length
  const scale = Math.max(...matrix.flat().map(Math.abs), Number.MIN_VALUE)
  for (const [i, row] of matrix.entries()) {
    if (row.length !== n)
      throw new MatrixError({ matrix: name, problem: `has a row of ${row.length} in ${n} rows` })
    for (const [j, value] of row.entries()) {
      if (!Number.isFinite(value))
        throw new MatrixError({ matrix: name, problem: `holds "${value}" at ${i}, ${j}` })
      if (Math.abs(value - (matrix[j]?.[i] ?? Number.NaN)) > 1e-9 * scale)
        throw new MatrixError({ matrix: name, problem: `is not symmetric at ${i}, ${j}` })
    }
  }
}
