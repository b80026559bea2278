/**
 * How many dimensions a cloud of vectors fills: PR = (Σλ)² / Σλ² over the eigenvalues λ of its covariance C, which needs no
 * eigenvalue, since Σλ = tr C and Σλ² = ‖C‖²_F. 1 for a line, D for a ball. (HRM §4, figure 8.)
 */

/** `count` vectors of D numbers, by their mean and Σ (x − mean)(x − mean)ᵀ, row-major [D, D]. */
export interface Scatter {
  readonly count: number
  readonly mean: Float64Array
  readonly products: Float64Array
}

/** PR of the vectors' covariance; NaN where they do not differ. */
export const participationRatio = ({ mean, products }: Scatter): number => {
  const d = mean.length
  let trace = 0
  let squares = 0
  for (let i = 0; i < d; i++) trace += products[i * d + i]!
  for (const x of products) squares += x * x
  return (trace * trace) / squares
}

/** Two clouds as one (Chan, Golub, LeVeque: exact, whatever their means). */
export const mergeScatter = (a: Scatter | undefined, b: Scatter): Scatter => {
  if (a === undefined) return b
  const count = a.count + b.count
  const shift = b.mean.map((m, i) => m - a.mean[i]!)
  const mean = a.mean.map((m, i) => m + (shift[i]! * b.count) / count)
  const products = a.products.map((x, i) => x + b.products[i]!)
  addOuter(products, shift, (a.count * b.count) / count)
  return { count, mean, products }
}

/** Clouds of `each` vectors, of which the means are known one by one and the scatters as a sum. */
export const scatterOfSum = (each: number, means: readonly ArrayLike<number>[], summed: ArrayLike<number>): Scatter => {
  const mean = Float64Array.from(means[0]!, (_, i) => means.reduce((total, m) => total + m[i]!, 0) / means.length)
  const products = Float64Array.from(summed)
  for (const own of means)
    addOuter(
      products,
      mean.map((m, i) => own[i]! - m),
      each,
    )
  return { count: each * means.length, mean, products }
}

/** matrix += factor · v vᵀ */
const addOuter = (matrix: Float64Array, v: Float64Array, factor: number): void => {
  const d = v.length
  for (let i = 0; i < d; i++) {
    const scaled = factor * v[i]!
    for (let j = 0; j < d; j++) matrix[i * d + j]! += scaled * v[j]!
  }
}
