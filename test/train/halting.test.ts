import { describe, expect, test } from 'vitest'
import { accuracyAt, calibrationCount, haltingFigures } from '../../src/train/index.js'

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

describe('q_halt', () => {
  const logit = (p: number) => Math.log(p / (1 - p))
  test('is measured by what it says of the answers, and by how sure it is', () => {
    const { add, figures } = calibrationCount()
    // Confidence and whether the answer is right: by hand.
    for (const [p, isRight] of [
      [0.95, true],
      [0.92, false],
      [0.55, true],
      [0.05, false],
      [0.01, true],
    ] as const)
      add(logit(p), isRight)
    const { accuracy, precision, recall, confidence, error, bins } = figures()
    expect(accuracy).toBeCloseTo(3 / 5, 14)
    expect(precision).toBeCloseTo(2 / 3, 14)
    expect(recall).toBeCloseTo(2 / 3, 14)
    expect(confidence).toBeCloseTo(2.48 / 5, 14)
    // Tenths: {0.05, 0.01} with 1 right, {0.55} with 1, {0.95, 0.92} with 1.
    expect(error).toBeCloseTo((Math.abs(0.06 - 1) + Math.abs(0.55 - 1) + Math.abs(1.87 - 1)) / 5, 14)
    expect(bins.map(({ examples }) => examples)).toEqual([2, 0, 0, 0, 0, 1, 0, 0, 0, 2])
    expect(bins[9]).toMatchObject({ from: 0.9, to: 1, exact: 0.5 })
    expect(bins[1]).toMatchObject({ confidence: null, exact: null })
  })

  test('that is sure of every answer, and right, has no error; of none right or called right there is no share', () => {
    const { add, figures } = calibrationCount()
    add(40, true)
    expect(figures()).toMatchObject({ accuracy: 1, precision: 1, recall: 1, error: 0 })
    const wrong = calibrationCount()
    wrong.add(-40, false)
    expect(wrong.figures()).toMatchObject({ accuracy: 1, precision: null, recall: null })
  })
})
