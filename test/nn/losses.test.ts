import { describe, expect, test } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import { input, literal, sum } from '../../src/ir/index.js'
import {
  answerLoss,
  binaryCrossEntropy,
  correctness,
  crossEntropy,
  logProbabilities,
  predict,
} from '../../src/nn/index.js'
import { compute } from '../support/compute.js'
import { relativeError } from '../support/numbers.js'
import { fixture, hasOracleOps, oracleOp } from '../support/oracle-ops.js'

describe.skipIf(!hasOracleOps)('losses against the published implementation', () => {
  test.each(['stablemax', 'softmax'] as const)(
    '%s cross-entropy and its gradient, zeros and huge logits included',
    async (kind) => {
      const { data, shape } = oracleOp('ce.logits')
      const logits = input('logits', shape, 'f32', 'streamed')
      const out = crossEntropy(kind, logits, fixture('ce.labels'))
      const [grad] = gradients(sum(out), [logits])
      const r = await compute({ out, grad: grad! }, { logits: data })
      expect(relativeError(r.out, oracleOp(`${kind}_ce.out`).data)).toBeLessThan(1e-6)
      expect(relativeError(r.grad, oracleOp(`${kind}_ce.grad_of_sum`).data)).toBeLessThan(1e-6)
    },
  )

  test('stablemax log-probabilities', async () => {
    const { out } = await compute({ out: logProbabilities('stablemax', fixture('ce.logits')) })
    expect(relativeError(out, oracleOp('stablemax.log_probs').data)).toBeLessThan(1e-6)
  })

  test('binary cross-entropy with logits and its gradient', async () => {
    const { data, shape } = oracleOp('bce.logits')
    const logits = input('logits', shape, 'f32', 'streamed')
    const out = binaryCrossEntropy(logits, fixture('bce.targets'))
    const [grad] = gradients(sum(out), [logits])
    const r = await compute({ out, grad: grad! }, { logits: data })
    expect(relativeError(r.out, oracleOp('bce.out').data)).toBeLessThan(1e-6)
    expect(relativeError(r.grad, oracleOp('bce.grad').data)).toBeLessThan(1e-6)
  })
})

describe('how right an answer is', () => {
  const ignored = -100
  const labels = literal(Int32Array.of(1, 2, 0, 1, ignored, 2, ignored, ignored, ignored), [3, 3])
  const answers = literal(Int32Array.of(1, 2, 0, 0, 1, 2, 0, 0, 0), [3, 3])

  test('counts labelled tokens only, and calls a row without labels right', async () => {
    const r = await compute(correctness(answers, labels) as never)
    const { labelled, divisor, right, exact } = r as Record<string, ArrayLike<number>>
    expect([...Array.from(labelled!)]).toEqual([3, 2, 0])
    expect([...Array.from(divisor!)]).toEqual([3, 2, 1])
    expect([...Array.from(right!)]).toEqual([3, 1, 0])
    expect([...Array.from(exact!)]).toEqual([1, 0, 1])
  })

  test('the answer loss of a row is the mean over its labelled tokens, and 0 without any', async () => {
    // All classes alike: −log(1/4) a token.
    const logits = literal(new Float32Array(3 * 3 * 4), [3, 3, 4])
    const { out } = await compute({
      out: answerLoss('stablemax', logits, labels, correctness(answers, labels).divisor),
    })
    expect(out[0]).toBeCloseTo(Math.log(4), 6)
    expect(out[1]).toBeCloseTo(Math.log(4), 6)
    expect(out[2]).toBe(0)
  })

  test('the answer is the most likely token, the first of equals', async () => {
    const { out } = await compute({ out: predict(literal(Float32Array.of(0, 3, 1, 2, 2, 0), [1, 2, 3])) })
    expect(Array.from(out)).toEqual([1, 0])
  })
})
