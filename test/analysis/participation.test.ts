import { describe, expect, test } from 'vitest'
import { mergeScatter, participationRatio, type Scatter, scatterOfSum } from '../../src/analysis/index.js'
import { relativeError } from '../support/numbers.js'

/** From its definition, over all vectors at once. */
const scatterOf = (vectors: readonly (readonly number[])[]): Scatter => {
  const d = vectors[0]!.length
  const mean = Float64Array.from({ length: d }, (_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0) / vectors.length)
  const products = Float64Array.from({ length: d * d }, (_, k) => {
    const [i, j] = [Math.floor(k / d), k % d]
    return vectors.reduce((sum, v) => sum + (v[i]! - mean[i]!) * (v[j]! - mean[j]!), 0)
  })
  return { count: vectors.length, mean, products }
}
const withEigenvalues = (...values: readonly number[]): Scatter => ({
  count: 10,
  mean: new Float64Array(values.length),
  products: Float64Array.from({ length: values.length ** 2 }, (_, k) =>
    k % (values.length + 1) === 0 ? values[k / (values.length + 1)]! : 0,
  ),
})

describe('the participation ratio', () => {
  test('is D for a ball, 1 for a line, and (Σλ)² / Σλ² in between', () => {
    expect(participationRatio(withEigenvalues(3, 3, 3, 3))).toBe(4)
    expect(participationRatio(withEigenvalues(7, 0, 0))).toBe(1)
    expect(participationRatio(withEigenvalues(4, 2, 1))).toBeCloseTo(49 / 21, 14)
  })

  test('does not change when the axes are turned', () => {
    // 4 and 1 along (3, 4)/5 and (−4, 3)/5.
    const turned = Float64Array.of(36 + 16, 48 - 12, 48 - 12, 64 + 9).map((x) => x / 25)
    expect(participationRatio({ count: 2, mean: new Float64Array(2), products: turned })).toBeCloseTo(25 / 17, 14)
  })

  test('is not a number where nothing varies', () => {
    expect(participationRatio(withEigenvalues(0, 0))).toBeNaN()
  })
})

describe('scatters', () => {
  const a = [
    [1, 2, 0],
    [4, 2, 1],
  ]
  const b = [
    [100, 7, 3],
    [90, 8, 1],
  ]
  const whole = scatterOf([...a, ...b])

  test('of two parts merge into that of the whole', () => {
    const merged = mergeScatter(mergeScatter(undefined, scatterOf(a)), scatterOf(b))
    expect(merged.count).toBe(4)
    expect(relativeError(merged.mean, whole.mean)).toBeLessThan(1e-14)
    expect(relativeError(merged.products, whole.products)).toBeLessThan(1e-14)
  })

  test('known by their means and their sum give that of the whole', () => {
    const [one, two] = [scatterOf(a), scatterOf(b)]
    const summed = one.products.map((x, i) => x + two.products[i]!)
    const joined = scatterOfSum(2, [one.mean, two.mean], summed)
    expect(joined.count).toBe(4)
    expect(relativeError(joined.products, whole.products)).toBeLessThan(1e-14)
  })
})
