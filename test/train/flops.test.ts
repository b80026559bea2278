/** What training costs: of a step, and up to a step of a run in stages. */
import { expect, test } from 'vitest'
import { adaptiveHalting, cgar, costs, deepSupervision, hrm, type Reasoner } from '../../src/hrm/index.js'
import { trainingFlops } from '../../src/train/index.js'

const sizes = { vocabulary: 6, sequence: 16, hidden: 8, heads: 2 }

test('a step with q_continue costs another segment', () => {
  const model = hrm({ ...sizes, layers: { high: 1, low: 1 } })
  const { forward, backward } = costs(model).total
  const { perStep, upTo } = trainingFlops(model, 3)
  expect(perStep).toBe(3 * (2 * forward + backward))
  expect(upTo(7, 100)).toBe(7 * perStep)
  for (const halting of [adaptiveHalting({ maxSegments: 4, continuation: false }), deepSupervision({ segments: 4 })])
    expect(trainingFlops({ ...model, halting }, 3).perStep).toBe(3 * (forward + backward))
})

test('of a model in stages every step costs what its stage does', () => {
  const model: Reasoner = cgar({ ...sizes, layers: 1 })
  const each = [...model.stages!.map((stage) => stage.model), model].map((stage) => trainingFlops(stage, 2).upTo(1, 1))
  const [low, middle, high] = each as [number, number, number]
  expect(low).toBeLessThan(middle)
  expect(middle).toBeLessThan(high)
  const { perStep, upTo } = trainingFlops(model, 2)
  expect([3, 4, 6, 7, 10].map((step) => upTo(step, 10))).toEqual([
    3 * low,
    3 * low + middle,
    3 * (low + middle),
    3 * (low + middle) + high,
    3 * (low + middle) + 4 * high,
  ])
  expect(perStep).toBeCloseTo(upTo(10, 10) / 10, 3)
})
