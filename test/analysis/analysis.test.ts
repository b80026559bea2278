import { expect, test } from 'vitest'
import { spreadOf } from '../../src/analysis/index.js'

test('a spread has the mean, the median and the quartiles between neighbours', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ mean: 2.5, q1: 1.75, median: 2.5, q3: 3.25 })
  expect(spreadOf([5])).toEqual({ mean: 5, q1: 5, median: 5, q3: 5 })
})
