/** Comparing arrays of numbers, and making them up reproducibly. */
import { randomOf } from '../../src/data/index.js'

/** ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero. NaN counts as infinitely wrong. */
export const relativeError = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let size = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2
    size += expected[i]! ** 2
  }
  const error = Math.sqrt(difference) / (size === 0 ? 1 : Math.sqrt(size))
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
}

/** Uniform in [−1, 1). */
export const randomNumbers = (count: number, seed: number): Float32Array => {
  const random = randomOf(seed)
  return Float32Array.from({ length: count }, () => random.below(2 ** 24) / 2 ** 23 - 1)
}
