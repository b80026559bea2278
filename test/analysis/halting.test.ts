import { describe, expect, test } from 'vitest'
import { accuracyAt, haltingFigures, spreadOf } from '../../src/analysis/index.js'

const example = (stops: string, ...right: readonly number[]) => ({
  labelled: 4,
  right,
  stops: [...stops].map((c) => c === 's'),
})
const outcomes = [
  example('.s.', 1, 4, 4), // right where it stops
  example('s.s', 2, 3, 4), // would be right had it gone on
  example('...', 0, 2, 4), // never told to stop
  { ...example('..s', 0, 0, 0), labelled: 0 }, // no labels
]

describe('halting', () => {
  test('counts the first stop of each example, and those that are never told to', () => {
    const { first, never } = haltingFigures(outcomes, 3)
    expect(first).toEqual([1, 1, 1])
    expect(never).toBe(1)
  })

  test('answers where told to stop, or at the limit; examples without labels take time but count for no accuracy', () => {
    const { byLimit } = haltingFigures(outcomes, 3)
    expect(byLimit[0]).toMatchObject({ limit: 1, meanSegments: 1, exact: 0 })
    expect(byLimit[2]).toMatchObject({ limit: 3, meanSegments: (2 + 1 + 3 + 3) / 4 })
    expect(byLimit[2]!.exact).toBeCloseTo(2 / 3, 14)
    expect(byLimit[2]!.token).toBeCloseTo((1 + 0.5 + 1) / 3, 14)
  })

  test('accuracy without halting is that of a fixed segment', () => {
    expect(accuracyAt(outcomes, () => 3)).toEqual({ exact: 1, token: 1 })
    expect(accuracyAt(outcomes.slice(3), () => 1).exact).toBeNaN()
  })
})

test('a spread has the mean, the median and the quartiles between neighbours', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ mean: 2.5, q1: 1.75, median: 2.5, q3: 3.25 })
  expect(spreadOf([5])).toEqual({ mean: 5, q1: 5, median: 5, q3: 5 })
})
