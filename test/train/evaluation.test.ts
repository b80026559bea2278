import { describe, expect, test } from 'vitest'
import { hrm } from '../../src/hrm/index.js'
import { init } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import { type Answered, evaluator, type HostBatch, judging, measure, toResidents } from '../../src/train/index.js'

const model = hrm({
  vocabulary: 4,
  sequence: 3,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: { high: 1, low: 1 },
  cycles: 1,
  steps: 1,
})
const ready = async (batch: number) => {
  const backend = referenceBackend()
  for (const [name, data] of Object.entries(toResidents(model.parameters, init(model.parameters, 3))))
    backend.write(name, data)
  return evaluator(backend, model, batch)
}
const batchOf = (inputs: readonly number[], labels: readonly number[]): HostBatch => ({
  inputs: Int32Array.from(inputs),
  labels: Int32Array.from(labels),
  puzzleIdentifiers: new Int32Array(inputs.length / 3),
})
const none = [-100, -100, -100]

describe('evaluation', () => {
  test('starts from the initial state whatever came before, so that a batch always gives the same answers', async () => {
    const one = await ready(1)
    const first = await one.evaluate(batchOf([1, 2, 3], none), 3)
    await one.evaluate(batchOf([3, 3, 1], none), 2)
    expect(await one.evaluate(batchOf([1, 2, 3], none), 3)).toEqual(first)
  })

  test('fewer segments are the first of more', async () => {
    const one = await ready(1)
    const two = await one.evaluate(batchOf([1, 2, 3], none), 2)
    expect((await one.evaluate(batchOf([1, 2, 3], none), 4)).slice(0, 2)).toEqual(two)
  })

  test('an example’s answer does not depend on its neighbours in the batch', async () => {
    const alone = await (await ready(1)).evaluate(batchOf([2, 0, 1], none), 2)
    const together = await (await ready(2)).evaluate(batchOf([3, 3, 3, 2, 0, 1], [...none, ...none]), 2)
    alone.forEach((r, s) => {
      expect(together[s]!.predictions.slice(3)).toEqual(r.predictions)
      expect(together[s]!.qHalt[1]).toBeCloseTo(r.qHalt[0]!, 6)
    })
  })

  test('accuracies count exact answers and tokens per example, and leave padding out', async () => {
    const evaluate = await ready(2)
    const answer = (await evaluate.evaluate(batchOf([1, 2, 3, 0, 0, 0], [...none, ...none]), 1))[0]!.predictions
    const right = Array.from(answer.slice(0, 3))
    const oneWrong = [(right[0]! + 1) % 4, right[1]!, -100]
    const measured = await measure(
      evaluate,
      [batchOf([1, 2, 3, 1, 2, 3], [...right, ...oneWrong]), batchOf([1, 2, 3, 0, 0, 0], [...right, ...none])],
      1,
    )
    expect(measured.examples).toBe(3)
    expect(measured.exact[0]).toBeCloseTo(2 / 3, 12)
    expect(measured.token[0]).toBeCloseTo((1 + 0.5 + 1) / 3, 6)
  })

  test('a watcher is shown every example but padding, with its answers, and a judge counts those it accepts', async () => {
    const evaluate = await ready(2)
    const known = await evaluate.evaluate(batchOf([1, 2, 3, 3, 2, 1], [...none, ...none]), 2)
    const seen: Answered[] = []
    const watch = (a: Answered) => {
      seen.push({
        ...a,
        question: a.question.slice(),
        segments: a.segments.map((s) => ({ ...s, answer: s.answer.slice() })),
      })
    }
    const first = Array.from(known[1]!.predictions.slice(0, 3))
    const judge = judging((question, answer) => question[0] === 1 && answer[0] === first[0], 2)
    const batches = [
      batchOf([1, 2, 3, 3, 2, 1], [0, -100, 1, 1, 1, 1]),
      batchOf([3, 2, 1, 0, 0, 0], [1, 1, 1, ...none]),
    ]
    await measure(evaluate, batches, 2, [watch, judge.watch])
    expect(seen.map(({ example, labelled }) => [example, labelled])).toEqual([
      [0, 2],
      [1, 3],
      [2, 3],
    ])
    for (const [i, { question, segments }] of seen.entries()) {
      const row = Math.min(i, 1)
      expect([...question]).toEqual(row === 0 ? [1, 2, 3] : [3, 2, 1])
      segments.forEach((segment, s) => {
        expect(segment.answer).toEqual(known[s]!.predictions.slice(3 * row, 3 * row + 3))
        expect(segment.qHalt).toBeCloseTo(known[s]!.qHalt[row]!, 6)
        expect(segment.stops).toBe(known[s]!.stops[row] === 1)
      })
    }
    const agreed = known.map(({ predictions }) => (predictions[0] === first[0] ? 1 / 3 : 0))
    expect(judge.shares()).toEqual(agreed)
    const ignorant = judging((question) => (question[0] === 3 ? undefined : true), 2)
    await measure(evaluate, batches, 2, [ignorant.watch])
    expect(ignorant.shares()).toBeUndefined()
  })
})
