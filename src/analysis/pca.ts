/**
 * The plane a few points of very many coordinates vary most in. There are K points in N ≫ K dimensions, so the K × K matrix
 * of their inner products is decomposed instead of the N × N covariance: an eigenvector v of it with eigenvalue λ gives
 * the points' coordinates √λ v along a principal axis. Power iteration, from a fixed start: the same points, the same plane.
 */

export interface Plane {
  /** Of every point along the first and the second axis; the origin is the points' mean. */
  readonly coordinates: readonly (readonly [number, number])[]
  /** Shares of the variance along the two axes. */
  readonly explained: readonly [number, number]
}

const ITERATIONS = 1000
const CLOSE = 1e-13

export const principalPlane = (points: readonly ArrayLike<number>[]): Plane => {
  const gram = centredProducts(points)
  const total = gram.reduce((sum, row, i) => sum + row[i]!, 0)
  const first = dominant(gram, [])
  const second = dominant(gram, [first.vector])
  const along = ({ value, vector }: Eigen, i: number) => Math.sqrt(value) * vector[i]!
  const share = ({ value }: Eigen) => (total > 0 ? value / total : 0)
  return {
    coordinates: points.map((_, i) => [along(first, i), along(second, i)]),
    explained: [share(first), share(second)],
  }
}

/** ⟨xᵢ − mean, xⱼ − mean⟩, K × K. */
const centredProducts = (points: readonly ArrayLike<number>[]): readonly Float64Array[] => {
  const n = points[0]?.length ?? 0
  const centred = points.map((p) => Float64Array.from(p))
  for (let c = 0; c < n; c++) {
    let mean = 0
    for (const p of centred) mean += p[c]!
    mean /= centred.length
    for (const p of centred) p[c]! -= mean
  }
  const products = centred.map(() => new Float64Array(centred.length))
  centred.forEach((a, i) => {
    for (let j = 0; j <= i; j++) {
      const b = centred[j]!
      let product = 0
      for (let c = 0; c < n; c++) product += a[c]! * b[c]!
      products[i]![j] = product
      products[j]![i] = product
    }
  })
  return products
}

interface Eigen {
  readonly value: number
  readonly vector: Float64Array
}

/** The largest eigenvalue of a symmetric matrix without negative ones, among vectors orthogonal to those `found`. */
const dominant = (matrix: readonly Float64Array[], found: readonly Float64Array[]): Eigen => {
  const clean = (v: Float64Array): Float64Array =>
    found.reduce((rest, axis) => {
      const along = product(rest, axis)
      return rest.map((x, i) => x - along * axis[i]!)
    }, v)
  // The column that has most left is never orthogonal to everything that is left.
  const columns = matrix.map(clean)
  const largest = columns.reduce((a, b) => (length(b) > length(a) ? b : a), new Float64Array(matrix.length))
  const scale = Math.max(0, ...matrix.map((row, i) => row[i]!))
  if (length(largest) <= CLOSE * scale) return { value: 0, vector: new Float64Array(matrix.length) }
  let vector = unit(largest)
  for (let i = 0; i < ITERATIONS; i++) {
    const image = clean(Float64Array.from(matrix, (row) => product(row, vector)))
    if (length(image) === 0) break
    const next = unit(image)
    const turn = Math.max(...next.map((x, k) => Math.abs(x - vector[k]!)))
    vector = next
    if (turn < CLOSE) break
  }
  const value = product(
    vector,
    Float64Array.from(matrix, (row) => product(row, vector)),
  )
  return { value: Math.max(0, value), vector: upright(vector) }
}

const product = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
const length = (v: Float64Array): number => Math.sqrt(product(v, v))
const unit = (v: Float64Array): Float64Array => {
  const size = length(v)
  return v.map((x) => x / size)
}
/** An axis has two directions: the one in which the largest coordinate is positive. */
const upright = (v: Float64Array): Float64Array => {
  const largest = v.reduce((a, b) => (Math.abs(b) > Math.abs(a) * (1 + 1e-9) ? b : a), 0)
  return largest < 0 ? v.map((x) => -x) : v
}
